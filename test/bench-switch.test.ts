import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { freePort } from "./support/free-port.ts";

test("A part is switched on for the turns that have it, and off for those that have it not", async () => {
  const port = await freePort();
  const script = `
    observed.add("metrics", () => console.log("on"), () => console.log("off"));
    for (const turn of ["", "metrics", "metrics,traces", "audit"]) {
      await fetch("http://127.0.0.1:${port}/" + turn);
      console.log("turn:", turn);
    }`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "./bench/observability/switch.ts", "--input-type=module", "--eval", script],
    { env: { ...process.env, SWITCH_PORT: String(port) } },
  );
  expect(stdout.trim().split("\n")).toEqual([
    "on",
    ...["off", "turn: "],
    ...["on", "turn: metrics"],
    "turn: metrics,traces",
    ...["off", "turn: audit"],
  ]);
});
