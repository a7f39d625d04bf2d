export interface RateLimit {
  /** How many calls a second each holder may make for good. */
  readonly callsPerSecond: number;
  /** How many of them may come at once, after a rest. */
  readonly burst: number;
}

/**
 * Makes what lets a call of a holder in, and answers 0; or answers after how many milliseconds it would be
 * let in.
 *
 * This is the generic cell rate algorithm (ITU-T I.371): a leaky bucket that keeps one number for each
 * holder, the time at which its bucket is empty. Times are counted in thousandths of a call, the
 * amount that leaks in a millisecond being `callsPerSecond`, so that they add up exactly.
 *
 * @param now tells the time, in milliseconds
 * @param maxHolders how many holders are remembered: those that called last
 */
export function createRateLimiter(
  { callsPerSecond, burst }: RateLimit,
  now: () => number = () => performance.now(),
  maxHolders = 65_536,
): (holder: string) => number {
  const call = 1000;
  const room = (burst - 1) * call;
  const emptyAt = new Map<string, number>();

  return (holder) => {
    const time = now() * callsPerSecond;
    const filled = Math.max((emptyAt.get(holder) ?? time) - time, 0);
    if (filled > room) {
      return Math.ceil((filled - room) / callsPerSecond);
    }
    // Whoever called last stands last. The first is forgotten, whose bucket is the likeliest to be empty.
    emptyAt.delete(holder);
    emptyAt.set(holder, time + filled + call);
    if (emptyAt.size > maxHolders) {
      for (const first of emptyAt.keys()) {
        emptyAt.delete(first);
        break;
      }
    }
    return 0;
  };
}
