import { OverloadedError } from "./failures.ts";

/** For how long a piece of work waits for its turn. */
interface Patience {
  /** Takes it out of the line, with its reason. */
  readonly signal: AbortSignal;
  /** When it fails with OverloadedError, by the clock of `performance`. */
  readonly until: number;
}

/** Does a piece of work in its turn. */
export type InTurn = <T>(work: () => Promise<T>, patience?: Patience) => Promise<T>;

/**
 * Makes what has as many pieces of work under way at once as are given, while others wait in line.
 *
 * @param maxWaiting how many wait; one more fails with OverloadedError.
 */
export function createTurns(max: number, maxWaiting = Number.POSITIVE_INFINITY): InTurn {
  const waiting: (() => void)[] = [];
  let free = max;

  /** Waits until another piece of work hands over its turn. */
  function wait(patience: Patience | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting.push(resolve);
    if (patience === undefined) {
      return promise;
    }
    const { signal, until } = patience;
    const leave = (reason: unknown) => {
      const place = waiting.indexOf(resolve);
      if (place !== -1) {
        waiting.splice(place, 1);
        reject(reason);
      }
    };
    const onAbort = () => leave(signal.reason);
    const timer = setTimeout(() => leave(new OverloadedError()), until - performance.now());
    signal.addEventListener("abort", onAbort);
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    });
  }

  return async (work, patience) => {
    patience?.signal.throwIfAborted();
    if (free > 0) {
      free -= 1;
    } else if (waiting.length < maxWaiting) {
      await wait(patience);
    } else {
      throw new OverloadedError();
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) {
        free += 1;
      } else {
        // It takes over the turn of this one.
        next();
      }
    }
  };
}

/** How much work is under way at once, and waits: of one holder, and in all. */
export interface FairLimits {
  readonly atOnce: number;
  readonly atOnceOfOne: number;
  readonly waitingOfOne: number;
  readonly holdersWaiting: number;
  /** How long a piece of work waits for its turn. */
  readonly waitMs: number;
}

/**
 * Makes what has work of many holders under way, so that none keeps the others from theirs: each has a
 * line of its own, and no more than its share of the turns, for which the heads of the lines wait.
 */
export function createFairTurns({ waitMs, ...limits }: FairLimits) {
  const inAll = createTurns(limits.atOnce, limits.holdersWaiting);
  const lines = new Map<string, { readonly inLine: InTurn; pieces: number }>();

  /** @throws OverloadedError */
  return async <T>(holder: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    const patience = { signal, until: performance.now() + waitMs };
    const line = lines.get(holder) ?? {
      inLine: createTurns(limits.atOnceOfOne, limits.waitingOfOne),
      pieces: 0,
    };
    lines.set(holder, line);
    line.pieces += 1;
    try {
      return await line.inLine(() => inAll(work, patience), patience);
    } finally {
      line.pieces -= 1;
      if (line.pieces === 0) {
        lines.delete(holder);
      }
    }
  };
}
