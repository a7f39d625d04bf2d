import { parseArgs } from "node:util";
import { type Checkout, withCheckout } from "./checkout.ts";
import type { Database } from "./database.ts";
import { endWith } from "./end-with.ts";
import { withFixture } from "./fixture.ts";
import { type ComparedCall, comparedCalls, compareInTurn, type Turns } from "./in-turn.ts";
import { startContender } from "./servers.ts";

// Object.keys loses the names' type.
const callNames = Object.keys(comparedCalls) as ComparedCall[];

const usage = `usage: npm run bench:compare -- COMMIT [--starts N] [--rounds N] [--warm-up S] [--only CALL,CALL]

Compares the CPU that calls take with what they took at a commit, in turn, and fails where they take
more than that by 3 %. In brackets: between what the ratio lies, which 8 starts and more tell.

  --starts   how often both are started anew for each call (8)
  --rounds   how often each has its turn, of a quarter of a second, by start (40)
  --warm-up  how long both are loaded before the first turn, for V8 to have compiled (25)
  --only     only these calls: ${callNames.join(", ")}`;

/** The least share of its CPU that a commit may take by the call, of what this checkout takes. */
const leastRatio = 0.97;

/** Measures this checkout against a commit, and prints one table. Returns whether nothing got dearer. */
function main({ commit, turns, only }: Arguments): Promise<boolean> {
  return withFixture(({ database, calls, publicKeyFile }) =>
    withCheckout(commit, async (checkout) => {
      const before = await checkout.startDatabase();
      // Of what a checkout can do beside answering, nothing is on.
      const settings = { AUDIT_LOG: "off" };
      const start = async (on: Database, extra?: { readonly checkout: Checkout }) => ({
        server: await startContender("service", on, publicKeyFile, { ...extra, settings }),
        database: on,
      });
      try {
        console.log(`| CPU a call | at ${commit} | now | before : now |\n|---|---:|---:|---:|`);
        let kept = true;
        for (const call of only) {
          const { first, second, ratio } = await compareInTurn(
            call,
            [() => start(database), () => start(before, { checkout })],
            calls,
            turns,
          );
          kept &&= ratio.middle >= leastRatio;
          const [middle, ...range] = [ratio.middle, ratio.least, ratio.most].map((one) =>
            one.toFixed(3),
          );
          console.log(
            `| ${comparedCalls[call]} | ${second.toFixed(0)} µs | ${first.toFixed(0)} µs | ` +
              `${middle} (${range.join(" to ")}) |${ratio.middle >= leastRatio ? "" : ` BELOW ${leastRatio}`}`,
          );
        }
        return kept;
      } finally {
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
        starts: { type: "string", default: "8" },
        rounds: { type: "string", default: "40" },
        "warm-up": { type: "string", default: "25" },
        only: { type: "string", default: callNames.join() },
      },
    });
    const [commit, ...rest] = positionals;
    const turns = {
      starts: Number(values.starts),
      rounds: Number(values.rounds),
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
