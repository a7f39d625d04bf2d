import { OverloadedError } from "./joining.ts";

/**
 * Makes what has as many pieces of work under way at once as are given, while others wait in line.
 *
 * @param maxWaiting how many wait; one more fails with OverloadedError.
 */
export function createTurns(
  max: number,
  maxWaiting = Number.POSITIVE_INFINITY,
): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = max;

  return async (work) => {
    if (free > 0) {
      free -= 1;
    } else if (waiting.length < maxWaiting) {
      await new Promise<void>((resolve) => waiting.push(resolve));
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
