import { createRateLimiter, type RateLimit } from "@partner-service/health-reflection";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { type HeaderInterceptor, organizationsKey, required } from "../context.ts";
import { serviceError } from "./service-error.ts";

/**
 * Limits how often each requester calls. It counts calls that are authenticated, of every RPC, whatever
 * becomes of them, but for those that it refuses itself.
 *
 * Fails with RATE_LIMITED, and says when the next call is let in.
 */
export function createRateLimitInterceptor(limit: RateLimit): HeaderInterceptor {
  const waitMs = createRateLimiter(limit);
  return ({ values }) => {
    const retryAfterMs = waitMs(required(values, organizationsKey).requester);
    if (retryAfterMs > 0) {
      throw serviceError(
        ErrorReason.RATE_LIMITED,
        "The requester has called too often; try again later.",
        { retryAfterMs },
      );
    }
  };
}
