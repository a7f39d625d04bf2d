import { execFile } from "node:child_process";
import { expect, test } from "vitest";

test("a run of tests that fails ends with its own exit code, whatever PostgreSQL's package does at the end", async () => {
  const code = 'await import("./test/support/postgres.ts"); process.exitCode = 3;';
  const run = execFile(process.execPath, ["--input-type=module", "--eval", code]);
  expect(await new Promise((resolve) => run.once("exit", resolve))).toBe(3);
});
