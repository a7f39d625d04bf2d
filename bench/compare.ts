import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createCalls } from "./calls.ts";
import { type Database, startDatabase } from "./database.ts";
import { endWith } from "./end-with.ts";
import { type ComparedCall, comparedCalls, compareInTurn, type Turns } from "./in-turn.ts";
import { runProgram } from "./load/programs.ts";
import type { ServerProcess } from "./server-process.ts";
import { readStartArguments, startContender } from "./servers.ts";

// Object.keys loses the names' type.
const callNames = Object.keys(comparedCalls) as ComparedCall[];

const usage = `usage: npm run bench:compare -- COMMIT [--rounds N] [--seconds S] [--warm-up S] [--only CALL,CALL]

Compares the CPU that calls take with what they took at a commit, in turn, and fails where they take
more than that by 3 %.

  --rounds   how often each has its turn with each call (21)
  --seconds  how long a turn lasts (1)
  --warm-up  how long each is loaded with a call before the first turn (10)
  --only     only these calls: ${callNames.join(", ")}`;

/** The least share of its CPU that a commit may take by the call, of what this checkout takes. */
const leastRatio = 0.97;

/** Measures this checkout against a commit, and prints one table. Returns whether nothing got dearer. */
async function main({ commit, turns, only }: Arguments): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), "partner-compare-"));
  const before = join(directory, "before");
  await runProgram("git", ["worktree", "add", "--detach", before, commit]);
  try {
    // Its own packages and the versions that it was made with are a part of what it was.
    await runProgram("npm", [
      ...["ci", "--prefix", before, "--omit=dev", "--ignore-scripts"],
      ...["--prefer-offline", "--no-audit", "--no-fund"],
    ]);
    return await compare(directory, before, { commit, turns, only });
  } finally {
    await runProgram("git", ["worktree", "remove", "--force", before]);
    await rm(directory, { recursive: true });
  }
}

async function compare(
  directory: string,
  before: string,
  { commit, turns, only }: Arguments,
): Promise<boolean> {
  const calls = await createCalls();
  const publicKeyFile = join(directory, "public-key.pem");
  await writeFile(publicKeyFile, calls.publicKey);
  // npm's own format, of which the start script is what is read.
  const packageJson = JSON.parse(
    await readFile(join(before, "package.json"), "utf8"),
  ) as Parameters<typeof readStartArguments>[0];
  const checkout = { directory: before, startArguments: readStartArguments(packageJson) };
  const databases: Database[] = [];
  const servers: ServerProcess[] = [];
  try {
    const database = await startDatabase((url) => migrateIn(before, url));
    databases.push(database);
    const ownDatabase = await startDatabase();
    databases.push(ownDatabase);
    // Of what a checkout can do beside answering, nothing is on.
    const settings = { AUDIT_LOG: "off" };
    const server = await startContender("service", database, publicKeyFile, { checkout, settings });
    servers.push(server);
    const ownServer = await startContender("service", ownDatabase, publicKeyFile, { settings });
    servers.push(ownServer);
    const sides = [
      { server, database },
      { server: ownServer, database: ownDatabase },
    ] as const;
    console.log(`| CPU a call | at ${commit} | now | before : now |\n|---|---:|---:|---:|`);
    let kept = true;
    for (const call of only) {
      const { first, second, ratio } = await compareInTurn(call, sides, calls, turns);
      const share = 1 / ratio;
      kept &&= share >= leastRatio;
      console.log(
        `| ${comparedCalls[call]} | ${first.toFixed(0)} µs | ${second.toFixed(0)} µs | ` +
          `${share.toFixed(3)} |${share >= leastRatio ? "" : ` BELOW ${leastRatio}`}`,
      );
    }
    return kept;
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    for (const database of databases) {
      await database.stop();
    }
  }
}

/** Has a checkout apply its own migrations. */
async function migrateIn(directory: string, url: string): Promise<void> {
  const script = join(directory, "scripts/migrate.ts");
  await runProgram(process.execPath, [script], { DATABASE_URL: url, LOG_LEVEL: "silent" });
}

interface Arguments {
  readonly commit: string;
  readonly turns: Turns;
  readonly only: readonly ComparedCall[];
}

function readArguments(): Arguments | undefined {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: "string", default: "21" },
        seconds: { type: "string", default: "1" },
        "warm-up": { type: "string", default: "10" },
        only: { type: "string", default: callNames.join() },
      },
    });
    const [commit, ...rest] = positionals;
    const turns = {
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      warmUpSeconds: Number(values["warm-up"]),
    };
    const valid = Object.values(turns).every((number) => Number.isInteger(number) && number >= 1);
    const names = values.only.split(",");
    const only = callNames.filter((name) => names.includes(name));
    return commit !== undefined && rest.length === 0 && valid && only.length === names.length
      ? { commit, turns, only }
      : undefined;
  } catch {
    return undefined;
  }
}

const given = readArguments();
if (given === undefined) {
  console.error(usage);
  endWith(2);
} else if (!(await main(given))) {
  endWith(1);
}
