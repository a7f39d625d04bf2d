import { Code, ConnectError } from "@connectrpc/connect";
import { retryAfterMsOf } from "./errors.ts";

const firstWaitMs = 100;
const longestWaitMs = 5000;

/**
 * Makes a call, and makes it again while the service is UNAVAILABLE or says when to try again, as it
 * does when it is overloaded; `maxTries` times in all. What is to be called must be safe to repeat
 * even when a try that failed has done its work.
 *
 * @param deadline in the milliseconds of `performance.now()`; no try is waited for past it.
 */
export async function withRetries<T>(
  call: () => Promise<T>,
  {
    maxTries,
    deadline,
    signal,
  }: { maxTries: number; deadline: number; signal: AbortSignal | undefined },
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (failure) {
      const error = ConnectError.from(failure);
      const askedMs = retryAfterMsOf(error);
      const passing = error.code === Code.Unavailable || askedMs !== undefined;
      const wait = waitBefore(tries, askedMs, Math.random());
      const late = performance.now() + wait >= deadline;
      if (!passing || tries >= maxTries || late) {
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

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const onAbort = () => reject(ConnectError.from(signal?.reason, Code.Canceled));
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) {
    onAbort();
  }
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
