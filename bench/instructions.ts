import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Call, Calls } from "./calls.ts";
import { type Checkout, withCheckout } from "./checkout.ts";
import type { Database } from "./database.ts";
import { endWith } from "./end-with.ts";
import { withFixture } from "./fixture.ts";
import { type LoadOptions, makeCalls } from "./load/counted-load.ts";
import { findProgram, runProgram } from "./load/programs.ts";
import { writeSection } from "./report/performance-page.ts";
import { startContender } from "./servers.ts";

interface Measured {
  readonly title: string;
  readonly call: (calls: Calls) => Call;
  /** How many calls are made before those that are counted, and how many are counted. */
  readonly warmUp: number;
  readonly counted: number;
  /** So many are under way at any time. */
  readonly callers: number;
}

const small = { warmUp: 20_000, counted: 1920, callers: 16 };
const large = { warmUp: 4_000, counted: 384, callers: 16 };
const batches = { warmUp: 600, counted: 24, callers: 4 };

const measured = {
  create: { title: "CreatePartner, JSON", call: ({ connect }) => connect.create, ...small },
  get: { title: "GetPartner, GET", call: ({ connect }) => connect.get, ...small },
  list: { title: "ListPartners, page of 20, GET", call: ({ connect }) => connect.list, ...large },
  batch: {
    title: "BatchCreatePartners of 100, JSON",
    call: ({ batch }) => batch.connect,
    ...batches,
  },
  "create-grpc": { title: "CreatePartner, gRPC", call: ({ grpc }) => grpc.create, ...small },
  "get-grpc": { title: "GetPartner, gRPC", call: ({ grpc }) => grpc.get, ...small },
  "list-grpc": { title: "ListPartners, page of 20, gRPC", call: ({ grpc }) => grpc.list, ...large },
  "batch-grpc": {
    title: "BatchCreatePartners of 100, gRPC",
    call: ({ batch }) => batch.grpc,
    ...batches,
  },
} as const satisfies Record<string, Measured>;

type MeasuredName = keyof typeof measured;

// Object.keys loses the names' type.
const names = Object.keys(measured) as MeasuredName[];

const usage = `usage: npm run bench:instructions -- [COMMIT [COMMIT]] [--only CALL,CALL]

Counts the processor's instructions that calls take, by valgrind's callgrind: of this checkout, of a commit
against this checkout, or of two commits. Other work on the machine does not change what is counted.
All calls of this checkout alone are written into docs/performance.md.

  --only   only these calls: ${names.join(", ")}`;

/** How often a call is counted: the least is taken, for what comes on top is a major collection. */
const windows = 3;

interface Arguments {
  readonly commits: readonly string[];
  readonly only: readonly MeasuredName[];
}

/** Counts what each side takes, and prints one table. */
async function main({ commits, only }: Arguments): Promise<void> {
  const counts = await withFixture(({ database, calls, publicKeyFile }) => {
    const fixture = { calls, publicKeyFile, only };
    const atCommits = commits.map(
      (commit) => () =>
        withCheckout(commit, async (checkout) => {
          const own = await checkout.startDatabase();
          try {
            return await count(own, fixture, checkout);
          } finally {
            await own.stop();
          }
        }),
    );
    const now = () => count(database, fixture);
    return inTurn(commits.length === 2 ? atCommits : [...atCommits, now]);
  });
  const heads = commits.length === 2 ? commits : [...commits, "now"];
  const table = [
    `| instructions a call | ${heads.join(" | ")} |${heads.length === 2 ? " |" : ""}`,
    `|---|${heads.map(() => "---:|").join("")}${heads.length === 2 ? "---:|" : ""}`,
    ...only.map((name) => {
      const [first = 0, second] = counts.map((each) => each.get(name) ?? Number.NaN);
      const cells = [first, ...(second === undefined ? [] : [second])].map(thousands).join(" | ");
      const ratio = second === undefined ? "" : ` × ${(second / first).toFixed(3)} |`;
      return `| ${measured[name].title} | ${cells} |${ratio}`;
    }),
  ].join("\n");
  console.log(table);
  if (commits.length === 0 && only.length === names.length) {
    await writeSection("bench:instructions", table);
  }
}

async function inTurn<Result>(tasks: readonly (() => Promise<Result>)[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const task of tasks) {
    results.push(await task());
  }
  return results;
}

const thousands = (value: number) => `${Math.round(value / 1000).toLocaleString("en")} k`;

interface Fixture {
  readonly calls: Calls;
  readonly publicKeyFile: string;
  readonly only: readonly MeasuredName[];
}

/** Runs the service under callgrind, and counts the instructions by the call. */
async function count(
  database: Database,
  { calls, publicKeyFile, only }: Fixture,
  checkout?: Checkout,
): Promise<ReadonlyMap<MeasuredName, number>> {
  const directory = await mkdtemp(join(tmpdir(), "partner-callgrind-"));
  const server = await startContender("service", database, publicKeyFile, {
    under: [
      ...["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no"],
      `--callgrind-out-file=${directory}/out`,
    ],
    // What V8 does beside would else be counted as it happens to fall.
    args: ["--single-threaded"],
    settings: { AUDIT_LOG: "off" },
    ...(checkout === undefined ? {} : { checkout }),
  });
  const control = (...words: string[]) =>
    runProgram("callgrind_control", [...words, String(server.pid)]);
  const counts = new Map<MeasuredName, number>();
  try {
    for (const name of only) {
      const { call, warmUp, counted, callers } = measured[name];
      await database.reset(calls.book);
      const target = {
        url: `http://127.0.0.1:${server.port}${call(calls).path}`,
        call: call(calls),
      };
      const load = (count: number, options?: LoadOptions) =>
        makeCalls(target, callers, count, options);
      await load(warmUp);
      await control("--instr=on");
      // Callgrind translates what runs anew, and calls that wait for it may come too late.
      await load(4 * callers, { mayFail: true });
      let least = Number.POSITIVE_INFINITY;
      for (let window = 0; window < windows; window += 1) {
        await control("--zero");
        await load(counted);
        await control("--dump");
        least = Math.min(least, (await readNewest(directory)) / counted);
      }
      await control("--instr=off");
      counts.set(name, least);
      console.error(`${measured[name].title}: ${thousands(least)}`);
    }
  } finally {
    await server.stop();
    await rm(directory, { recursive: true });
  }
  return counts;
}

/** The sum of the newest of callgrind's files: `out.1`, `out.2` and so on. */
async function readNewest(directory: string): Promise<number> {
  const numbers = (await readdir(directory)).map((name) => Number(name.split(".")[1] ?? 0));
  const text = await readFile(join(directory, `out.${Math.max(...numbers)}`), "utf8");
  const sum = /^(?:totals|summary): (\d+)/m.exec(text)?.[1];
  if (sum === undefined) {
    throw new Error("callgrind did not tell how many instructions there were.");
  }
  return Number(sum);
}

function readArguments(): Arguments | undefined {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { only: { type: "string", default: names.join() } },
    });
    const given = values.only.split(",");
    const only = names.filter((name) => given.includes(name));
    return positionals.length <= 2 && only.length === given.length
      ? { commits: positionals, only }
      : undefined;
  } catch {
    return undefined;
  }
}

const given = readArguments();
if (given === undefined) {
  console.error(usage);
  endWith(2);
} else if ((await findProgram("valgrind")) === undefined) {
  console.error("valgrind is not installed.");
  endWith(1);
} else {
  await main(given);
}
