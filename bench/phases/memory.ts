import { setTimeout as delay } from "node:timers/promises";
import { type ServerContender, targetOf } from "../contenders.ts";
import type { Memory } from "../report/results.ts";
import type { ServerProcess } from "../server-process.ts";
import { type Bench, connections, say } from "./bench.ts";

const watchedSeconds = 90;

/** The most that the service ever took; in long runs, also how it develops under full load. */
export async function measureMemory(
  { options, calls, generators }: Bench,
  service: ServerContender,
  server: ServerProcess,
): Promise<Memory> {
  let bySecond: readonly number[] | undefined;
  if (options.long) {
    say(`memory: ${watchedSeconds} seconds of full load`);
    const target = targetOf(service, server, calls);
    bySecond = await watchMemory(server, generators.http1(target, connections, watchedSeconds));
  }
  const { peak } = await server.memory();
  return { peak: toMegabytes(peak), bySecond: bySecond?.map(toMegabytes) };
}

/** Samples the resident memory of a server, in bytes, each second until the work is done. */
async function watchMemory(
  server: ServerProcess,
  work: Promise<unknown>,
): Promise<readonly number[]> {
  const bySecond: number[] = [];
  const done = new AbortController();
  const watching = (async () => {
    while (!done.signal.aborted) {
      bySecond.push((await server.memory()).now);
      await delay(1000, undefined, { signal: done.signal }).catch(() => undefined);
    }
  })();
  try {
    await work;
  } finally {
    done.abort();
    await watching;
  }
  return bySecond;
}

const toMegabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;
