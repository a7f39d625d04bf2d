import type { Socket } from "node:net";
import type { Interceptor } from "@connectrpc/connect";
import { createStreamLimits } from "@partner-service/health-reflection";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { callKey, required } from "../context.ts";
import { serviceError } from "./service-error.ts";

/** How many streams may be open on one connection. */
const maxPerConnection = 16;
/** How long a stream may be open: 10 minutes. */
const maxLifeMs = 600_000;
/** What streams have to end by themselves when the shutdown starts. */
const drainMs = 1000;

/**
 * Bounds the streaming calls that are open at once: in all, for one address, which may hold half of
 * them, and on one connection; and how long each is open.
 *
 * Fails with OVERLOADED, or UNAVAILABLE when the time is over.
 */
export function createStreamsInterceptor(max: number, draining: AbortSignal): Interceptor {
  return createStreamLimits({
    max,
    sharesOf: (values) => {
      const { connection } = required(values, callKey);
      // A session of HTTP/2 that has ended has no socket any more, which its types do not say.
      const socket: Socket | undefined = "socket" in connection ? connection.socket : connection;
      return [
        { holder: connection, max: maxPerConnection },
        { holder: socket?.remoteAddress, max: Math.ceil(max / 2) },
      ];
    },
    refusal: () =>
      serviceError(ErrorReason.OVERLOADED, "Too many streams are open; try again.", {
        retryAfterMs: 1000,
      }),
    maxLifeMs,
    draining,
    drainMs,
  });
}
