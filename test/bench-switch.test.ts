import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { freePort } from "../bench/free-port.ts";

test("Each turn that has a part switches it on anew, so that what a part does then is done in every turn", async () => {
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
    ...["off", "on", "turn: metrics,traces"],
    ...["off", "turn: audit"],
  ]);
});
