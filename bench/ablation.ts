import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mechanism, type MechanismName, mechanisms } from "./ablation/mechanisms.ts";
import { createCalls } from "./calls.ts";
import { startDatabase } from "./database.ts";
import { endWith } from "./end-with.ts";
import { comparedCalls, compareInTurn } from "./in-turn.ts";
import { runProgram } from "./load/programs.ts";
import { writeSection } from "./report/performance-page.ts";
import { startContender } from "./servers.ts";

const usage = `usage: npm run bench:ablation [-- NAME…]

Measures the CPU that calls take with each mechanism and without it, in turn, all or those named:
${Object.keys(mechanisms).join(", ")}.
The table of all is written to docs/performance.md.`;

const turns = { rounds: 11, seconds: 1, warmUpSeconds: 5 };
/** How many times as much a call must take without a mechanism that is there for speed alone. */
const leastRatio = 1.05;

/** Measures the mechanisms one by one. Returns whether each buys enough. */
async function main(names: readonly MechanismName[]): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), "partner-ablation-"));
  const database = await startDatabase();
  try {
    const calls = await createCalls();
    const publicKeyFile = join(directory, "public-key.pem");
    await writeFile(publicKeyFile, calls.publicKey);
    const rows: string[] = [];
    let worth = true;
    for (const name of names) {
      const mechanism: Mechanism = mechanisms[name];
      const ratios: number[] = [];
      const lines = await countLines(mechanism.files);
      for (const call of mechanism.calls) {
        // Fresh ones, because what a process has run before tells in how it runs what comes.
        const withIt = await startContender("service", database, publicKeyFile);
        const withoutIt = await startContender("service", database, publicKeyFile, {
          args: mechanism.edits === undefined ? [] : ["--import", "./bench/ablation/without.ts"],
          settings: mechanism.setting ?? { WITHOUT: name },
        });
        const sides = [
          { server: withIt, database },
          { server: withoutIt, database },
        ] as const;
        const { first, second, ratio } = await compareInTurn(call, sides, calls, turns);
        await Promise.all([withIt.stop(), withoutIt.stop()]);
        ratios.push(ratio);
        const row =
          `| ${mechanism.title} | ${comparedCalls[call]} | ${first.toFixed(0)} µs | ` +
          `${second.toFixed(0)} µs | × ${ratio.toFixed(2)} | ${lines || "1"} |`;
        rows.push(row);
        console.error(row);
      }
      worth &&= mechanism.isForCallers === true || Math.max(...ratios) >= leastRatio;
    }
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
  } finally {
    await database.stop();
    await rm(directory, { recursive: true });
  }
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
