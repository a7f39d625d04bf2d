import type { LeveledLog } from "@partner-service/log-lines";
import type { CallObserver } from "./calls.ts";

/**
 * Writes one line for a call that has ended: what was called, by whom, how it ended and how long it
 * took. It holds no token, no message and no query, which carries the message of a Connect GET.
 */
export function createAccessLog(log: Pick<LeveledLog, "info">): CallObserver {
  return {
    ends(call) {
      const { rpc, spanId, outcome } = call;
      log.info(
        {
          requestId: call.callId,
          // What is undefined is not written.
          traceId: spanId === undefined ? undefined : call.traceId,
          spanId,
          protocol: call.protocol ?? "http",
          path: rpc === undefined ? call.path : undefined,
          rpc,
          code: outcome.code,
          reason: outcome.reason,
          durationMs: Math.round(call.durationMs * 1000) / 1000,
          messages: call.messages,
          requester: call.requester,
          target: call.target,
          subject: call.subject,
        },
        "call",
      );
    },
  };
}
