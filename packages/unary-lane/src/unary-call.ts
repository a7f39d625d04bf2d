import { constants } from "node:http2";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { Exchange } from "./exchange.ts";
import type { LazyHeaders } from "./lazy-headers.ts";
import type { UnaryMethod } from "./unary-method.ts";

/** What the interceptors and the handler know of a call. */
export interface UnaryCall extends HandlerContext {
  readonly responseHeader: LazyHeaders;
  readonly responseTrailer: LazyHeaders;
  /** Aborts the call's signal, with the error if the call failed. */
  end(failure?: unknown): void;
}

interface UnaryCallInit {
  readonly protocolName: string;
  readonly requestHeader: LazyHeaders;
  readonly responseHeader: LazyHeaders;
  readonly responseTrailer: LazyHeaders;
  readonly timeout: { readonly timeoutMs?: number; readonly error?: ConnectError | undefined };
}

/** Why the signal of a call aborts that went well. One for all: making one is dear. */
const over = new DOMException("This operation was aborted", "AbortError");

/**
 * Opens a call as Connect's `createHandlerContext` does, with one abort controller where that has
 * four. Its signal aborts when the deadline passes, when the client leaves, and when the call ends.
 */
export function openCall(
  { spec: { method } }: UnaryMethod,
  { request, response, url, values }: Exchange,
  { protocolName, requestHeader, responseHeader, responseTrailer, timeout }: UnaryCallInit,
): UnaryCall {
  const { timeoutMs } = timeout;
  const controller = new AbortController();
  const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);

  function expire(): void {
    end(new ConnectError("the operation timed out", Code.DeadlineExceeded));
  }

  function end(failure: unknown = over): void {
    clearTimeout(timer);
    controller.abort(failure);
  }

  response.on("close", () => {
    if (!controller.signal.aborted) {
      end(reasonOfLeaving(request));
    }
  });
  if (timeoutMs !== undefined && timeoutMs <= 0) {
    expire();
  }
  return {
    protocolName,
    requestHeader,
    responseHeader,
    responseTrailer,
    method,
    service: method.parent,
    signal: controller.signal,
    timeoutMs: () => (deadline === undefined ? undefined : deadline - Date.now()),
    requestMethod: request.method ?? "",
    url,
    values,
    end,
  };
}

/** What a call failed with, as its caller may know it. */
export function toConnectError(failure: unknown): ConnectError {
  return failure instanceof ConnectError
    ? failure
    : new ConnectError("internal error", Code.Internal, undefined, undefined, failure);
}

/** What the codes by which HTTP/2 peers end a stream mean for a call; absent: nothing went wrong. */
const codesOfResets: ReadonlyMap<number, Code> = new Map([
  [constants.NGHTTP2_PROTOCOL_ERROR, Code.Internal],
  [constants.NGHTTP2_INTERNAL_ERROR, Code.Internal],
  [constants.NGHTTP2_FLOW_CONTROL_ERROR, Code.Internal],
  [constants.NGHTTP2_SETTINGS_TIMEOUT, Code.Internal],
  [constants.NGHTTP2_FRAME_SIZE_ERROR, Code.Internal],
  [constants.NGHTTP2_REFUSED_STREAM, Code.Unavailable],
  [constants.NGHTTP2_CANCEL, Code.Canceled],
  [constants.NGHTTP2_COMPRESSION_ERROR, Code.Internal],
  [constants.NGHTTP2_CONNECT_ERROR, Code.Internal],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, Code.ResourceExhausted],
  [constants.NGHTTP2_INADEQUATE_SECURITY, Code.PermissionDenied],
  [constants.NGHTTP2_HTTP_1_1_REQUIRED, Code.PermissionDenied],
]);

function reasonOfLeaving(request: Exchange["request"]): unknown {
  if ("stream" in request) {
    const code = codesOfResets.get(request.stream.rstCode ?? 0);
    return code === undefined ? undefined : new ConnectError("The stream was reset.", code);
  }
  const { errored } = request;
  return errored === null
    ? undefined
    : new ConnectError(errored.message, Code.Aborted, undefined, undefined, errored);
}
