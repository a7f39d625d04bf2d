import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { ContextValues } from "@connectrpc/connect";

/** A request and the response to it, over either version of HTTP. */
export interface Exchange {
  readonly request: IncomingMessage | Http2ServerRequest;
  readonly response: Response;
  /** What the interceptors and the handler are to be given. */
  readonly values: ContextValues;
  /** The headers that the response gets whatever the call comes to, names in lower case. */
  readonly commonHeaders: NodeHeaders;
}

export type NodeHeaders = Record<string, string | string[] | number | undefined>;

/** What Node's two kinds of responses have in common, as far as it is needed. */
interface Response {
  writeHead(status: number, headers: NodeHeaders): unknown;
  addTrailers(trailers: NodeHeaders): void;
  end(body: Uint8Array): unknown;
  once(event: "close", listener: () => void): unknown;
}

/** Adds headers as Connect has them to Node's, in place of those of the same name. */
export function addWebHeaders(target: NodeHeaders, headers: Headers, prefix = ""): NodeHeaders {
  const cookies = headers.getSetCookie();
  for (const [name, value] of headers) {
    // Only these cannot be joined to one value, and come one by one.
    target[`${prefix}${name}`] = name === "set-cookie" ? cookies : value;
  }
  return target;
}
