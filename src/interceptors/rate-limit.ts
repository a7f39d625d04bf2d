import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { type HeaderInterceptor, organizationsKey, required } from "../context.ts";
import { serviceError } from "./service-error.ts";

export interface RateLimit {
  /** How many calls a second it may make for good. */
  readonly callsPerSecond: number;
  /** How many of them may come at once, after a rest. */
  readonly burst: number;
}

/** How many requesters are remembered: those that called last. */
const maxRequesters = 65_536;

/**
 * Limits how often each requester calls. It counts calls that are authenticated, of every RPC, whatever
 * becomes of them, but for those that it refuses itself. Other requesters
 * are served as before.
 *
 * Fails with RATE_LIMITED, and says when the next call is let in.
 *
 * @param now tells the time, in milliseconds
 */
export function createRateLimitInterceptor(
  limit: RateLimit,
  now: () => number = () => performance.now(),
): HeaderInterceptor {
  const waitMs = createRateLimiter(limit, now);
  return ({ values }) => {
    const { requester } = required(values, organizationsKey);
    const retryAfterMs = waitMs(requester);
    if (retryAfterMs > 0) {
      throw serviceError(
        ErrorReason.RATE_LIMITED,
        "The requester has called too often; try again later.",
        { retryAfterMs },
      );
    }
  };
}

/**
 * Lets a call in, and answers 0; or answers after how many milliseconds it would be let in.
 *
 * This is the generic cell rate algorithm (ITU-T I.371): a leaky bucket that keeps one number for each
 * holder, the time at which its bucket is empty. Times are counted in thousandths of a call, the
 * amount that leaks in a millisecond being `callsPerSecond`, so that they add up exactly.
 */
export function createRateLimiter(
  { callsPerSecond, burst }: RateLimit,
  now: () => number,
  maxHolders = maxRequesters,
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
