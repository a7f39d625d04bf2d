import { Code, ConnectError } from "@connectrpc/connect";

/**
 * What a promise becomes, unless the signal is aborted before.
 *
 * @throws ConnectError CANCELED, or DEADLINE_EXCEEDED when it was time that ran out.
 */
export async function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) {
    return await promise;
  }
  let onAbort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(abortError(signal.reason));
    signal.addEventListener("abort", onAbort);
  });
  if (signal.aborted) {
    onAbort();
  }
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function abortError(reason: unknown): ConnectError {
  if (reason instanceof Error && reason.name === "TimeoutError") {
    return new ConnectError("the operation timed out", Code.DeadlineExceeded);
  }
  return ConnectError.from(reason, Code.Canceled);
}
