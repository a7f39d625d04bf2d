import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

let last: { readonly target: string; readonly base: string; readonly url: URL | null } = {
  target: "",
  base: "",
  url: null,
};

/**
 * The URL that a request is for; null if its target and host make none. The last one is remembered:
 * a request's is asked for several times in a row, and to parse it takes longer than to find its route.
 */
export function readRequestUrl(request: IncomingMessage | Http2ServerRequest): URL | null {
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
