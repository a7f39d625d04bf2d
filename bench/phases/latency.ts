import { type ServerContender, targetOf } from "../contenders.ts";
import { runOpenLoad } from "../load/http1-load.ts";
import type { TimedResult } from "../load/load.ts";
import { type Latency, median } from "../report/results.ts";
import {
  type Bench,
  connections,
  prepareTable,
  type Servers,
  say,
  serverOf,
  succeeded,
} from "./bench.ts";

const oneCallerSeconds = 3;

/** Times the calls of one caller, who sends the next when the last is answered. */
export async function measureOneCaller(
  bench: Bench,
  timed: readonly ServerContender[],
  servers: Servers,
): Promise<readonly Latency[]> {
  const { options, calls, generators } = bench;
  const rounds = new Map<ServerContender, TimedResult[]>(timed.map((contender) => [contender, []]));
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const [contender, results] of rounds) {
      const target = targetOf(contender, serverOf(contender, servers), calls);
      await prepareTable(contender, bench);
      results.push(succeeded(contender, await generators.http1(target, 1, oneCallerSeconds)));
      say(`one caller at a time: round ${round} of ${options.rounds}, ${contender.id}`);
    }
  }
  return [...rounds].map(([{ id }, results]) => summarize(id, results));
}

/** A rate that each of those whose calls are timed answers well below its highest. */
export const callsPerSecond = 2000;

/** Times the calls that arrive at a constant rate, the same for all, from when they were due. */
export async function measureAtRate(
  bench: Bench,
  timed: readonly ServerContender[],
  servers: Servers,
): Promise<readonly Latency[]> {
  const { options, calls } = bench;
  const { rounds, seconds } = options;
  const loads = timed.map((contender) => ({ contender, results: Array.of<TimedResult>() }));
  for (let round = 1; round <= rounds; round += 1) {
    for (const { contender, results } of loads) {
      const target = targetOf(contender, serverOf(contender, servers), calls);
      await runOpenLoad(target, connections, callsPerSecond, 1);
      await prepareTable(contender, bench);
      const result = await runOpenLoad(target, connections, callsPerSecond, seconds);
      results.push(succeeded(contender, result));
      say(`${callsPerSecond} calls a second: round ${round} of ${rounds}, ${contender.id}`);
    }
  }
  return loads.map(({ contender: { id }, results }) => summarize(id, results));
}

/** The medians of the rounds. */
function summarize(id: string, rounds: readonly TimedResult[]): Latency {
  return {
    id,
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
  };
}
