import { ConnectError } from "@connectrpc/connect";
import { isPassing, isTurnedAway, retryAfterMsOf } from "./passing-errors.ts";
import { untilAborted } from "./until-aborted.ts";

const firstWaitMs = 100;
const longestWaitMs = 5000;
/** The longest that the service may ask for; of more the caller is told instead. */
const longestAskedMs = 30_000;

export interface Retries {
  /** How often the call is made, the first time included. */
  readonly maxTries: number;
  /** Whether it is safe to make again even when a try that failed has done its work. */
  readonly isRepeatable: boolean;
  /** In the milliseconds of `performance.now()`; no try is waited for past it. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes a call, and makes it again while it fails for a reason that passes.
 *
 * @throws ConnectError, that of the last try.
 */
export async function withRetries<T>(
  call: () => Promise<T>,
  { maxTries, isRepeatable, deadline, signal }: Retries,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (failure) {
      const error = ConnectError.from(failure);
      const mayRepeat = (isRepeatable && isPassing(error)) || isTurnedAway(error);
      const askedMs = retryAfterMsOf(error);
      const wait = waitBefore(tries, askedMs, Math.random());
      const tooLong = (askedMs ?? 0) > longestAskedMs || performance.now() + wait >= deadline;
      if (signal?.aborted || !mayRepeat || tries >= maxTries || tooLong) {
        throw error;
      }
      await pause(wait, signal);
    }
  }
}

/**
 * How long to wait after the tries so far, in milliseconds: twice as long each time, or as long as
 * the service asks for, and up to half of that more, so that those who failed together return apart.
 *
 * @param random from 0 to 1.
 */
export function waitBefore(tries: number, askedMs: number | undefined, random: number): number {
  const wait = askedMs ?? Math.min(firstWaitMs * 2 ** (tries - 1), longestWaitMs);
  return wait * (1 + random / 2);
}

export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const waited = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await untilAborted(waited, signal);
  } finally {
    clearTimeout(timer);
  }
}
