import { setTimeout as delay } from "node:timers/promises";
import { type Http1Connection, openHttp1Connection } from "./http1-connection.ts";
import { percentile, type Target, type TimedResult } from "./load.ts";

/** Each of the connections sends its next call when the last one is answered. */
export function runClosedLoad(
  target: Target,
  connections: number,
  seconds: number,
): Promise<TimedResult> {
  return withConnections(target, connections, async (opened, record) => {
    const end = performance.now() + seconds * 1000;
    const callOn = async (connection: Http1Connection) => {
      while (performance.now() < end) {
        await record(connection, performance.now());
      }
    };
    await Promise.all(opened.map(callOn));
  });
}

/**
 * Calls at a constant rate, whatever the answers take: calls are due every millisecond, wait for a
 * free connection if there is none, and are timed from when they were due.
 */
export function runOpenLoad(
  target: Target,
  connections: number,
  callsPerSecond: number,
  seconds: number,
): Promise<TimedResult> {
  return withConnections(target, connections, async (opened, record) => {
    // First in, first out: a connection that were left idle would be closed by the server.
    const free = [...opened];
    const queue: number[] = [];
    const underWay = new Set<Promise<void>>();
    let failure: unknown;

    const callOn = async (connection: Http1Connection, dueAt: number) => {
      await record(connection, dueAt);
      const next = queue.shift();
      if (next === undefined) {
        free.push(connection);
      } else {
        await callOn(connection, next);
      }
    };
    const startCall = (connection: Http1Connection, dueAt: number) => {
      const done = callOn(connection, dueAt)
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => underWay.delete(done));
      underWay.add(done);
    };

    const start = performance.now();
    let sent = 0;
    let elapsed = 0;
    while (elapsed < seconds && failure === undefined) {
      await delay(1);
      const now = performance.now();
      elapsed = Math.min((now - start) / 1000, seconds);
      for (; sent < Math.floor(elapsed * callsPerSecond); sent += 1) {
        const connection = free.shift();
        if (connection === undefined) {
          queue.push(now);
        } else {
          startCall(connection, now);
        }
      }
    }
    await Promise.all(underWay);
    if (failure !== undefined) {
      throw failure;
    }
  });
}

async function withConnections(
  target: Target,
  connections: number,
  run: (
    opened: readonly Http1Connection[],
    record: (connection: Http1Connection, dueAt: number) => Promise<void>,
  ) => Promise<void>,
): Promise<TimedResult> {
  const opened = await Promise.all(
    Array.from({ length: connections }, () => openHttp1Connection(target)),
  );
  const latencies: number[] = [];
  let failures = 0;
  const start = performance.now();
  try {
    await run(opened, async (connection, dueAt) => {
      const status = await connection.call();
      latencies.push(performance.now() - dueAt);
      failures += status < 300 ? 0 : 1;
    });
  } finally {
    opened.forEach((connection) => {
      connection.close();
    });
  }
  return {
    calls: latencies.length - failures,
    failures,
    seconds: (performance.now() - start) / 1000,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
}
