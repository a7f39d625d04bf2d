import type { CallObserver } from "./calls.ts";

/**
 * Writes one line for a call that has ended: what was called, by whom, how it ended and how long it
 * took. It holds no token, no message and no query, which carries the message of a Connect GET.
 */
export const accessLog: CallObserver = {
  ends({ log, protocol, rpc, path, outcome, durationMs, messages, requester, target, subject }) {
    log.info(
      {
        protocol: protocol ?? "http",
        ...(rpc === undefined ? { path } : { rpc }),
        ...outcome,
        durationMs: Math.round(durationMs * 1000) / 1000,
        messages,
        requester,
        target,
        subject,
      },
      "call",
    );
  },
};
