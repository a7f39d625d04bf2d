import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2Session } from "node:http2";
import type { Socket } from "node:net";

type Request = IncomingMessage | Http2ServerRequest;

/** Whether the client has left, or was cut off, so that it can get no answer any more. */
export function hasLeft(request: Request): boolean {
  return "stream" in request
    ? request.stream.aborted || request.stream.destroyed
    : request.socket.destroyed;
}

/**
 * Whether the whole answer was handed over. Node calls the answer over HTTP/2 finished wherever its stream
 * has ended, whoever ended it.
 */
export function isSent(
  request: Request,
  response: Pick<ServerResponse, "writableFinished">,
): boolean {
  return "stream" in request
    ? !request.stream.aborted && request.stream.rstCode === constants.NGHTTP2_NO_ERROR
    : response.writableFinished;
}

/** The connection that a request came on: a session of HTTP/2, a socket of HTTP/1.1. */
export function connectionOf(request: Request): Http2Session | Socket {
  return ("stream" in request ? request.stream.session : undefined) ?? request.socket;
}
