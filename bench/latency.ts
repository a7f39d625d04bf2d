import type { Call } from "./call.ts";
import { type Contender, targetOf } from "./contenders.ts";
import type { Database } from "./database.ts";
import type { Generators } from "./load/generators.ts";
import { runOpenLoad } from "./load/http1-load.ts";
import type { TimedResult } from "./load/load.ts";
import { connections } from "./measure.ts";
import { type Latency, median } from "./report/results.ts";
import type { ServerProcess } from "./server-process.ts";

/** Times the calls of one caller, who sends the next when the last is answered. */
export async function measureOneCaller(
  contender: Contender,
  server: ServerProcess,
  call: Call,
  seconds: number,
  database: Database,
  generators: Generators,
): Promise<TimedResult> {
  await database.reset();
  return succeeded(
    contender,
    await generators.http1(targetOf(contender, server, call), 1, seconds),
  );
}

/** Times the calls that arrive at a constant rate, from when they were due. */
export async function measureAtRate(
  contender: Contender,
  server: ServerProcess,
  call: Call,
  callsPerSecond: number,
  seconds: number,
  database: Database,
): Promise<TimedResult> {
  const target = targetOf(contender, server, call);
  await runOpenLoad(target, connections, callsPerSecond, 1);
  await database.reset();
  return succeeded(contender, await runOpenLoad(target, connections, callsPerSecond, seconds));
}

/** The medians of the rounds. */
export function summarizeLatency(id: string, rounds: readonly TimedResult[]): Latency {
  return {
    id,
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
  };
}

function succeeded({ id }: Contender, result: TimedResult): TimedResult {
  if (result.failures > 0 || result.calls === 0) {
    throw new Error(`${id} answered ${result.calls} calls and failed ${result.failures}.`);
  }
  return result;
}
