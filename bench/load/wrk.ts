import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Target, TimedResult } from "./load.ts";
import { runProgram } from "./programs.ts";

/** Runs wrk: each of the connections sends its next call when the last one is answered. */
export async function runWrk(
  target: Target,
  connections: number,
  seconds: number,
): Promise<TimedResult> {
  const directory = await mkdtemp(join(tmpdir(), "partner-bench-wrk-"));
  try {
    const script = join(directory, "call.lua");
    await writeFile(script, luaScript(target));
    const output = await runProgram("wrk", [
      ...["--threads", "1", "--connections", String(connections)],
      ...["--duration", `${seconds}s`, "--latency", "--script", script, target.url],
    ]);
    return readResult(output);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function luaScript({ call }: Target): string {
  const headers = Object.entries(call.headers).map(
    ([name, value]) => `wrk.headers[${luaString(name)}] = ${luaString(value)}`,
  );
  // wrk sends a content-length with each body, also with an empty one.
  const body = call.method === "GET" ? "nil" : luaString(call.body.toString("latin1"));
  return `wrk.method = ${luaString(call.method)}
wrk.body = ${body}
${headers.join("\n")}
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"failures":%d,"micros":%d,"p50":%d,"p99":%d}\\n',
    summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
`;
}

function luaString(text: string): string {
  const escaped = text.replace(
    /[^ !#-[\]-~]/g,
    (character) => `\\${String(character.charCodeAt(0)).padStart(3, "0")}`,
  );
  return `"${escaped}"`;
}

function readResult(output: string): TimedResult {
  const text = /^RESULT (.+)$/m.exec(output)?.[1];
  if (text === undefined) {
    throw new Error(`wrk did not report:\n${output}`);
  }
  // The script above writes exactly these.
  const result = JSON.parse(text) as Record<
    "requests" | "failures" | "micros" | "p50" | "p99",
    number
  >;
  return {
    calls: result.requests - result.failures,
    failures: result.failures,
    seconds: result.micros / 1e6,
    p50Ms: result.p50 / 1000,
    p99Ms: result.p99 / 1000,
  };
}
