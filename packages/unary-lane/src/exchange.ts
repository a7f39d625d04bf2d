import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { ContextValues } from "@connectrpc/connect";

/** A request and the response to it, over either version of HTTP. */
export interface Exchange {
  readonly request: IncomingMessage | Http2ServerRequest;
  readonly response: Response;
  /** What the interceptors and the handler are to be given. */
  readonly values: ContextValues;
  /** The URL that was asked for, normalized. */
  readonly url: string;
  /** The headers that the response gets whatever the call comes to, names in lower case. */
  readonly commonHeaders: ResponseHeaders;
}

type ResponseHeaders = Record<string, string | string[] | number | undefined>;

/** What Node's two kinds of responses have in common, as far as it is needed. */
interface Response {
  writeHead(status: number, headers: ResponseHeaders): unknown;
  addTrailers(trailers: ResponseHeaders): void;
  end(body: Uint8Array | string): unknown;
  on(event: "close", listener: () => void): unknown;
}
