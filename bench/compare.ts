import { parseArgs } from "node:util";
import { withCheckout } from "./checkout.ts";
import { endWith } from "./end-with.ts";
import { withFixture } from "./fixture.ts";
import { type ComparedCall, comparedCalls, compareInTurn, type Turns } from "./in-turn.ts";
import type { ServerProcess } from "./server-process.ts";
import { startContender } from "./servers.ts";

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
function main({ commit, turns, only }: Arguments): Promise<boolean> {
  return withFixture(({ database, calls, publicKeyFile }) =>
    withCheckout(commit, async (checkout) => {
      const before = await checkout.startDatabase();
      const servers: ServerProcess[] = [];
      try {
        // Of what a checkout can do beside answering, nothing is on.
        const settings = { AUDIT_LOG: "off" };
        const server = await startContender("service", before, publicKeyFile, {
          checkout,
          settings,
        });
        servers.push(server);
        const ownServer = await startContender("service", database, publicKeyFile, { settings });
        servers.push(ownServer);
        const sides = [
          { server, database: before },
          { server: ownServer, database },
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
        await before.stop();
      }
    }),
  );
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
