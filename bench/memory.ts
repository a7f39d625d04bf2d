import { setTimeout as delay } from "node:timers/promises";
import type { ServerProcess } from "./server-process.ts";

/** Samples the resident memory of a server, in bytes, each second until the work is done. */
export async function watchMemory(
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
