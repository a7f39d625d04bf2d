import { type Mechanism, type MechanismName, mechanisms } from "./ablation/mechanisms.ts";
import { endWith } from "./end-with.ts";
import { type Fixture, withFixture } from "./fixture.ts";
import { type ComparedCall, type Comparison, comparedCalls, compareInTurn } from "./in-turn.ts";
import { runProgram } from "./load/programs.ts";
import { writeSection } from "./report/performance-page.ts";
import { startContender } from "./servers.ts";

const usage = `usage: npm run bench:ablation [-- NAME…]

Measures the CPU that calls take with each mechanism and without it, in turn, all or those named:
${Object.keys(mechanisms).join(", ")}.
Fails where one that is there for speed alone buys less than 5 % of each of its calls. The table of all is written
to docs/performance.md.`;

const turns = { starts: 2, rounds: 20, warmUpSeconds: 6 };
/** How many times as much one of its calls at least must take without a mechanism that is there for speed alone. */
const leastRatio = 1.05;

/** Measures the mechanisms one by one. Returns whether each buys enough. */
async function main(names: readonly MechanismName[]): Promise<boolean> {
  const rows: string[] = [];
  let worth = true;
  await withFixture(async (fixture) => {
    for (const name of names) {
      const mechanism: Mechanism = mechanisms[name];
      const lines = await countLines(mechanism.files);
      const ratios: number[] = [];
      for (const call of mechanism.calls) {
        const { first, second, ratio } = await compare(name, mechanism, call, fixture);
        ratios.push(ratio.middle);
        const row =
          `| ${mechanism.title} | ${comparedCalls[call]} | ${first.toFixed(0)} µs | ` +
          `${second.toFixed(0)} µs | × ${ratio.middle.toFixed(2)} | ${lines || "1"} |`;
        rows.push(row);
        console.error(row);
      }
      worth &&= mechanism.isForCallers === true || Math.max(...ratios) >= leastRatio;
    }
  });
  const text = [
    "| | CPU a call | with it | without | | lines |",
    "|---|---|---:|---:|---:|---:|",
    ...rows,
  ].join("\n");
  console.log(text);
  if (names.length === Object.keys(mechanisms).length) {
    await writeSection("bench:ablation", text);
  }
  return worth;
}

/** Each call has processes of its own, because what one has run before tells in how it runs what comes. */
async function compare(
  name: MechanismName,
  { edits, setting }: Mechanism,
  call: ComparedCall,
  { database, calls, publicKeyFile }: Fixture,
): Promise<Comparison> {
  const start = async (extra?: Parameters<typeof startContender>[3]) => ({
    server: await startContender("service", database, publicKeyFile, extra),
    database,
  });
  const without = {
    args: edits === undefined ? [] : ["--import", "./bench/ablation/without.ts"],
    settings: setting ?? { WITHOUT: name },
  };
  return await compareInTurn(call, [() => start(), () => start(without)], calls, turns);
}

async function countLines(files: readonly string[]): Promise<number> {
  if (files.length === 0) {
    return 0;
  }
  const listed = await runProgram("git", ["grep", "--count", "", "--", ...files]);
  const counts = listed.trim().split("\n");
  return counts.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(":") + 1)), 0);
}

// Object.keys loses the names' type.
const all = Object.keys(mechanisms) as MechanismName[];
const given = process.argv.slice(2);
const names = all.filter((name) => given.length === 0 || given.includes(name));
if (given.some((name) => !Object.hasOwn(mechanisms, name))) {
  console.error(usage);
  endWith(2);
} else if (!(await main(names))) {
  endWith(1);
}
