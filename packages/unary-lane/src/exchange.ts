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

/**
 * Reads a body, but keeps no more of it once there are more bytes than the limit. What comes after
 * them is dropped as it arrives, so that the connection can go on.
 */
export function readBody(request: Exchange["request"], limit: number): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    request
      .on("data", (chunk: Uint8Array) => {
        if (length <= limit) {
          chunks.push(chunk);
          length += chunk.byteLength;
          if (length > limit) {
            resolve(chunks);
          }
        }
      })
      .on("end", () => resolve(chunks))
      .on("error", reject)
      .on("close", () => {
        if (!request.readableEnded) {
          reject(new Error("The connection closed in the middle of a message."));
        }
      });
  });
}

let last: { readonly target: string; readonly base: string; readonly url: URL | null } = {
  target: "",
  base: "",
  url: null,
};

/**
 * The URL that a request is for; null if its target and host make none. The last one is remembered:
 * a request's is asked for several times in a row, and to parse it takes longer than to find its route.
 */
export function readRequestUrl(request: Exchange["request"]): URL | null {
  const { socket, url: target = "" } = request;
  const protocol = "encrypted" in socket ? "https" : "http";
  // Over HTTP/2 `:authority` comes before `Host` (RFC 9113, section 8.3.1).
  const authority = "authority" in request ? request.authority : request.headers.host;
  const base = `${protocol}://${authority ?? ""}`;
  if (target !== last.target || base !== last.base) {
    last = { target, base, url: URL.parse(target, base) };
  }
  return last.url;
}
