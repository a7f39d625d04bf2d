import { Code, ConnectError } from "@connectrpc/connect";

/**
 * What the work comes to, or a rejection as soon as the signal aborts. Connect aborts it with
 * DEADLINE_EXCEEDED when the caller's timeout has passed, with an error of its own when the client
 * is gone, and, after the call has its outcome, when the call ends.
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(toAbortError(signal.reason));
    if (signal.aborted) {
      onAbort();
    }
    signal.addEventListener("abort", onAbort);
    work.then(
      (outcome) => {
        signal.removeEventListener("abort", onAbort);
        resolve(outcome);
      },
      (failure: unknown) => {
        signal.removeEventListener("abort", onAbort);
        reject(failure);
      },
    );
  });
}

/** A client that has left is gone, whatever the code by which HTTP/2 had it say so. */
export function toAbortError(reason: unknown): ConnectError {
  return reason instanceof ConnectError && reason.code === Code.DeadlineExceeded
    ? reason
    : new ConnectError("The client is gone.", Code.Canceled, undefined, undefined, reason);
}
