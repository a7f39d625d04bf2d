import type { Socket } from "node:net";
import type { ContextValues, Interceptor } from "@connectrpc/connect";
import { createStreamLimits } from "@partner-service/health-reflection";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { callerKey, callKey, type Judge, organizationsKey, required } from "../context.ts";
import { serviceError } from "./service-error.ts";

const maxPerConnection = 16;
/** How long a stream may be open: 10 minutes. */
const maxLifeMs = 600_000;
/** What streams that are open to everyone have to end by themselves when the shutdown starts. */
const drainMs = 1000;

/**
 * Bounds the streaming calls that are open at once: in all, for one requester, which may hold a quarter
 * of them, for one address, which may hold half, and on one connection; how long each is open; and on
 * what right: who calls is judged again every few seconds.
 *
 * Fails with OVERLOADED, with what the judges throw, or with UNAVAILABLE when the time is over, or the
 * shutdown starts.
 *
 * @param judges what admitted the call; of calls without a caller nothing is judged.
 */
export function createStreamsInterceptor(
  max: number,
  ending: AbortSignal,
  judges: readonly Judge[],
): Interceptor {
  const isOpenToAll = (values: ContextValues) => values.get(callerKey) === undefined;
  return createStreamLimits({
    max,
    sharesOf: (values) => {
      const { connection } = required(values, callKey);
      const requester = values.get(organizationsKey)?.requester;
      // A session of HTTP/2 that has ended has no socket any more, which its types do not say.
      const socket: Socket | undefined = "socket" in connection ? connection.socket : connection;
      return [
        { holder: connection, max: maxPerConnection },
        { holder: socket?.remoteAddress, max: Math.ceil(max / 2) },
        ...(requester === undefined ? [] : [{ holder: requester, max: Math.ceil(max / 4) }]),
      ];
    },
    refusal: () =>
      serviceError(ErrorReason.OVERLOADED, "Too many streams are open; try again.", {
        retryAfterMs: 1000,
      }),
    maxLifeMs,
    draining: ending,
    drainMs: (values) => (isOpenToAll(values) ? drainMs : 0),
    async judge({ contextValues: values, header: requestHeader, method, signal }) {
      if (!isOpenToAll(values)) {
        for (const judge of judges) {
          await judge({ values, requestHeader, method, signal });
        }
      }
    },
  });
}
