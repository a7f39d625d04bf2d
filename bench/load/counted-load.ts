import { connect } from "node:http2";
import { callGrpc } from "./grpc-load.ts";
import { openHttp1Connection } from "./http1-connection.ts";
import type { Target } from "./load.ts";

export interface LoadOptions {
  /** Whether calls may fail, of which nothing is counted. */
  readonly mayFail?: boolean;
}

/** Makes so many calls, with as many at a time as there are callers. */
export async function makeCalls(
  target: Target,
  callers: number,
  count: number,
  options?: LoadOptions,
): Promise<void> {
  const opened = await openCallers(target, callers);
  try {
    await opened.makeCalls(count, options);
  } finally {
    opened.close();
  }
}

/** Callers whose connections stay open from one time to the next that calls are made. */
export interface Callers {
  makeCalls(count: number, options?: LoadOptions): Promise<void>;
  /** Makes calls for so long, of which none may fail. Returns how many. */
  makeCallsFor(milliseconds: number): Promise<number>;
  close(): void;
}

export async function openCallers(target: Target, callers: number): Promise<Callers> {
  const { calls, close } = await openCaller(target, callers);
  /** Has each caller go on for as long as there is more to do. Returns how many calls were made. */
  const keepCalling = async (
    isMore: (made: number) => boolean,
    { mayFail = false }: LoadOptions,
  ) => {
    let made = 0;
    let failures = 0;
    const callOn = async (call: () => Promise<boolean>) => {
      while (isMore(made)) {
        made += 1;
        failures += (await call()) ? 0 : 1;
      }
    };
    await Promise.all(calls.map(callOn));
    if (failures > 0 && !mayFail) {
      throw new Error(`${target.url}: ${failures} of ${made} calls failed.`);
    }
    return made;
  };
  return {
    close,
    async makeCalls(count, options = {}) {
      await keepCalling((made) => made < count, options);
    },
    makeCallsFor(milliseconds) {
      const end = performance.now() + milliseconds;
      return keepCalling(() => performance.now() < end, {});
    },
  };
}

interface Caller {
  /** What each of the callers does; whether it was answered with success. */
  readonly calls: readonly (() => Promise<boolean>)[];
  close(): void;
}

async function openCaller(target: Target, callers: number): Promise<Caller> {
  if (target.call.headers["content-type"] === "application/grpc") {
    const session = connect(target.url);
    const call = async () => (await callGrpc(session, target)) === "0";
    return { calls: Array.from({ length: callers }, () => call), close: () => session.destroy() };
  }
  const opened = await Promise.all(
    Array.from({ length: callers }, () => openHttp1Connection(target)),
  );
  return {
    calls: opened.map((connection) => async () => (await connection.call()) < 300),
    close: () => {
      for (const connection of opened) {
        connection.close();
      }
    },
  };
}
