import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** The URL that a request is for; null if its target and host make none. */
export function readRequestUrl(request: IncomingMessage | Http2ServerRequest): URL | null {
  const { socket, url = "" } = request;
  const protocol = "encrypted" in socket ? "https" : "http";
  // Over HTTP/2 `:authority` comes before `Host` (RFC 9113, section 8.3.1).
  const authority = "authority" in request ? request.authority : request.headers.host;
  // Over HTTP/1.0 a caller need not name the host.
  const host = authority ?? (request.httpVersion === "1.0" ? "localhost" : "");
  return URL.parse(url, `${protocol}://${host}`);
}
