import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** Reads the URL that a request is for; null if its target and host make none. */
export type UrlReader = (request: IncomingMessage | Http2ServerRequest) => URL | null;

/**
 * Makes a reader that remembers the last URL: to parse one takes longer than to find its route, and
 * most calls are for the same.
 */
export function createUrlReader(): UrlReader {
  let last: { readonly target: string; readonly base: string; readonly url: URL | null } = {
    target: "",
    base: "",
    url: null,
  };
  return (request) => {
    const { socket, url: target = "" } = request;
    const protocol = "encrypted" in socket ? "https" : "http";
    // Over HTTP/2 `:authority` comes before `Host` (RFC 9113, section 8.3.1).
    const authority = "authority" in request ? request.authority : request.headers.host;
    const base = `${protocol}://${authority ?? ""}`;
    if (target !== last.target || base !== last.base) {
      last = { target, base, url: URL.parse(target, base) };
    }
    return last.url;
  };
}
