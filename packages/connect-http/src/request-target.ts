import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** What a request's target is made of; all else comes in percent-encoding (RFC 3986, section 2). */
const targetCharacters = /^[!-~]*$/;

/** `uri-host [ ":" port ]` (RFC 9112, section 3.2): no user, path or query. */
const hostCharacters = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d*)?$/i;

/** Hosts and targets that surely make a URL together, which need not be parsed to find out. */
const plainHost =
  /^(?:127\.0\.0\.1|[a-z][a-z0-9]*(?:\.[a-z][a-z0-9]*)*)(?::(?:\d{1,4}|[1-5]\d{4}))?$/i;
const plainTarget = /^\/(?![/\\])/;

/**
 * Finds what is wrong with the host and the target that a request names, which neither Node nor Fastify
 * looks at; undefined where nothing is.
 *
 * What a caller of HTTP/1.0 leaves out, as load balancers do, is no fault (RFC 9112, section 3.2).
 */
export function findTargetFault(
  request: IncomingMessage | Http2ServerRequest,
  repeatedHeaders: ReadonlySet<string>,
): string | undefined {
  const { url: target = "", httpVersion } = request;
  // Over HTTP/2 `:authority` comes before `Host` (RFC 9113, section 8.3.1).
  const named = "authority" in request ? request.authority : request.headers.host;
  const host = named ?? (httpVersion === "1.0" ? "localhost" : "");
  if (repeatedHeaders.has("host") || !hostCharacters.test(host)) {
    return "The request names no valid host.";
  }
  if (!targetCharacters.test(target)) {
    return "The request's target holds what is no character of a URI.";
  }
  const isPlain = plainHost.test(host) && plainTarget.test(target);
  return isPlain || URL.canParse(target, `http://${host}`)
    ? undefined
    : "The request names no valid host.";
}
