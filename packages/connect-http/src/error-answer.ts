import type { ConnectError } from "@connectrpc/connect";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";

/** An error as an answer over HTTP. */
export interface ErrorAnswer {
  /** Connect's name of the protocol that has this form; undefined: plain HTTP. */
  readonly protocol: "grpc" | "grpc-web" | undefined;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/**
 * Puts an error for a request that reaches no RPC into the form that the caller's protocol gives to errors.
 *
 * @param status of HTTP, where the protocol does not say it by itself
 * @param requestType the request's `Content-Type`
 */
export function toErrorAnswer(error: ConnectError, status: number, requestType = ""): ErrorAnswer {
  const [type, web] = /^application\/grpc(-web)?/.exec(requestType) ?? [];
  if (type === undefined) {
    const body = Buffer.from(errorToJsonBytes(error, undefined));
    return { protocol: undefined, status, headers: { "content-type": "application/json" }, body };
  }
  // A response without a body carries its status in the headers ("Trailers-Only",
  // https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
  const trailers = new Headers({ "content-type": type });
  setTrailerStatus(trailers, error);
  const protocol = web === undefined ? "grpc" : "grpc-web";
  return { protocol, status: 200, headers: Object.fromEntries(trailers), body: undefined };
}
