import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Mechanism, mechanisms } from "../../bench/ablation/mechanisms.ts";
import { applyEdit } from "../../bench/edit.ts";
import { edits as switches } from "../../bench/observability/edits.ts";
import { mutants } from "./mutants.ts";

test("Each fault that is made on purpose, and each mechanism that is left out or switched, is one of the sources as they are", () => {
  const leftOut = Object.values<Mechanism>(mechanisms).flatMap(({ edits = [] }) => edits);
  for (const edit of [...mutants.flatMap(({ edits }) => edits), ...leftOut, ...switches]) {
    // Throws where the source does not have the text, or more than once.
    applyEdit(readFileSync(edit.file, "utf8"), edit);
  }
  const tests = mutants.flatMap((group) => group.tests);
  expect(tests.filter((path) => !existsSync(path))).toEqual([]);
});
