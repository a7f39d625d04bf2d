import { ConnectError } from "@connectrpc/connect";
import { codeFromHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Call } from "./context.ts";

/**
 * Writes one line for a call that has ended: what was called, how it ended and how long it took.
 * It holds no token, no message and no query, which carries the message of a Connect GET.
 */
export function logCall(call: Call, request: FastifyRequest, reply: FastifyReply): void {
  call.log.info(
    {
      method: request.routeOptions.url ?? "unknown",
      code: outcome(call, reply.raw.statusCode),
      durationMs: Math.round(reply.elapsedTime * 1000) / 1000,
      requester: call.requester,
    },
    "call",
  );
}

function outcome({ signal }: Call, httpStatus: number): string {
  if (signal?.aborted) {
    // Connect aborts the signal when a call ends: with a ConnectError if it failed.
    return signal.reason instanceof ConnectError ? codeToString(signal.reason.code) : "ok";
  }
  return httpStatus < 400 ? "ok" : codeToString(codeFromHttpStatus(httpStatus));
}
