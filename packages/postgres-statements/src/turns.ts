/** Makes what has as many pieces of work under way at once as are given, while others wait in line. */
export function createTurns(max: number) {
  const waiting: (() => void)[] = [];
  let free = max;

  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (free > 0) {
      free -= 1;
    } else {
      await new Promise<void>((resolve) => waiting.push(resolve));
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
