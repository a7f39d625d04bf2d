import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { applyEdit, type Edit } from "../../bench/edit.ts";
import { copyCheckout } from "../support/checkout.ts";
import { mutants } from "./mutants.ts";

const run = promisify(execFile);
const atOnce = 2;

/**
 * Makes one fault after the other in scratch copies, and runs the tests that are to find it. Returns
 * those that no test has found.
 *
 * @param part is in the path of the files that faults are made in; empty: all.
 */
async function findSurvivors(part: string): Promise<readonly Edit[]> {
  const survivors: Edit[] = [];
  const work = mutants.flatMap(({ tests, edits }) =>
    edits.filter(({ file }) => file.includes(part)).map((edit) => ({ tests, edit })),
  );
  // Each must be one of the files as they are, before any is tried.
  for (const { edit } of work) {
    applyEdit(readFileSync(edit.file, "utf8"), edit);
  }
  const workOn = async () => {
    const copy = mkdtempSync(join(tmpdir(), "partner-mutants-"));
    copyCheckout(copy);
    for (let next = work.shift(); next !== undefined; next = work.shift()) {
      const { edit, tests } = next;
      const path = join(copy, edit.file);
      const text = readFileSync(path, "utf8");
      writeFileSync(path, applyEdit(text, edit));
      const finder = await findFault(copy, tests);
      writeFileSync(path, text);
      console.log(`${edit.file}: ${edit.from} → ${edit.to}\n  ${finder ?? "SURVIVES"}`);
      if (finder === undefined) {
        survivors.push(edit);
      }
    }
    rmSync(copy, { recursive: true });
  };
  await Promise.all(Array.from({ length: atOnce }, workOn));
  return survivors;
}

/** The test that has found the fault, or that the tests have no end with it; undefined: nothing has. */
async function findFault(directory: string, tests: readonly string[]): Promise<string | undefined> {
  const vitest = join(directory, "node_modules/vitest/vitest.mjs");
  try {
    await run(process.execPath, [vitest, "run", "--bail=1", ...tests], {
      cwd: directory,
      timeout: 180_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    return undefined;
  } catch (failure) {
    // What `execFile` rejects with once the program has begun.
    const { killed, stderr } = failure as { readonly killed: boolean; readonly stderr: string };
    const told = stripVTControlCharacters(stderr);
    const [, test = "fails without a test"] = /^ FAIL +(.+)$/m.exec(told) ?? [];
    return killed ? "has no end" : test;
  }
}

const survivors = await findSurvivors(process.argv[2] ?? "");
console.log(`${survivors.length} survive`);
process.exitCode = survivors.length === 0 ? 0 : 1;
