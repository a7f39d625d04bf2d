import { Code, ConnectError } from "@connectrpc/connect";
import { RetryInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { repeatActionOf } from "./errors.ts";

/**
 * Whether a call failed for a reason that passes: the service or the network was away, or the service
 * asked to come back later. The same call may succeed in a moment, if it is safe to repeat: the answer
 * may be what was lost.
 *
 * For a caller's own repetition, where `maxTries` is 1.
 */
export function isPassing(error: unknown): boolean {
  const connectError = ConnectError.from(error);
  const action = repeatActionOf(connectError);
  if (action !== undefined) {
    return action !== "NO";
  }
  return (
    connectError.code === Code.Unavailable ||
    retryAfterMsOf(connectError) !== undefined ||
    isLostConnection(connectError)
  );
}

/** How long the service asks to wait before the next try, in milliseconds. */
export function retryAfterMsOf(error: unknown): number | undefined {
  const [retryInfo] = ConnectError.from(error).findDetails(RetryInfoSchema);
  const delay = retryInfo?.retryDelay;
  return delay && Number(delay.seconds) * 1000 + delay.nanos / 1_000_000;
}

/** Whether the service says that it has not begun with the call, so that each may be repeated. */
export function isTurnedAway(error: ConnectError): boolean {
  const action = repeatActionOf(error);
  return action === undefined
    ? error.code === Code.ResourceExhausted && retryAfterMsOf(error) !== undefined
    : action === "REPEAT";
}

/** How Node names what becomes of connections and streams whose other end goes away. */
const lostConnectionCodes: ReadonlySet<unknown> = new Set([
  ...["ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "EPIPE"],
  ...["ETIMEDOUT", "EAI_AGAIN", "UND_ERR_SOCKET", "UND_ERR_CONNECT_TIMEOUT"],
  ...["ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_INVALID_SESSION", "ERR_HTTP2_SESSION_ERROR"],
  ...["ERR_HTTP2_STREAM_CANCEL", "ERR_HTTP2_INVALID_STREAM"],
  ...["ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_DESTROYED"],
]);

/** The reset of a stream, in the words of Connect and of Node, which keep its code nowhere else. */
const resetStream =
  /stream closed with error code (?:NGHTTP2_)?(?:CANCEL|INTERNAL_ERROR|REFUSED_STREAM)\b/i;

function isLostConnection(error: ConnectError): boolean {
  const causes = causesOf(error);
  return (
    causes.some((cause) => "code" in cause && lostConnectionCodes.has(cause.code)) ||
    // How fetch fails on the network (https://fetch.spec.whatwg.org/#fetch-method); each browser has
    // other words for it.
    (error.code === Code.Unknown && causes.some(({ name }) => name === "TypeError")) ||
    resetStream.test(error.rawMessage)
  );
}

/** What an error was caused by, the nearest first. */
function causesOf(error: Error): readonly Error[] {
  const causes: Error[] = [];
  for (
    let { cause } = error;
    cause instanceof Error && !causes.includes(cause);
    { cause } = cause
  ) {
    causes.push(cause);
  }
  return causes;
}
