import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/**
 * Rewrites headers to the one form that Connect reads of the several that their standards allow, so
 * that what is right is understood, whichever protocol it is sent in.
 *
 * - A media type ignores case, and parameters that say nothing new are no part of it
 *   (RFC 9110, section 8.3.1).
 * - A coding ignores case, and `x-gzip` is `gzip` (RFC 9110, section 8.4.1). The codings that are
 *   accepted have weights (RFC 9110, section 12.5.3).
 * - A timeout longer than the greatest is cut to it: the call ends by then whatever its client asks.
 * - A caller of HTTP/1.0 need not name a host (RFC 9112, section 3.2), and Connect makes a URL of it.
 *
 * What is not right stays as it is, for the protocol to refuse.
 */
export function normalizeHeaders(headers: IncomingHttpHeaders, maxTimeoutMs: number): void {
  if (headers.host === undefined && headers[":authority"] === undefined) {
    headers.host = "localhost";
  }
  const contentType = headers["content-type"];
  if (contentType !== undefined && !plainMediaType.test(contentType)) {
    headers["content-type"] = normalizeMediaType(contentType);
  }
  for (const name of codingHeaders) {
    const coding = headers[name];
    if (typeof coding === "string") {
      headers[name] = normalizeCodings(coding);
    }
  }
  for (const name of acceptedCodingsHeaders) {
    const codings = headers[name];
    if (typeof codings === "string") {
      headers[name] = normalizeAcceptedCodings(codings);
    }
  }
  for (const [name, shorten] of timeoutHeaders) {
    const timeout = headers[name];
    if (typeof timeout === "string") {
      headers[name] = shorten(timeout, maxTimeoutMs);
    }
  }
}

const plainMediaType = /^[a-z0-9/+-]+$/;
/** A type and its parameters; a parameter's value is a token or a quoted text. */
const mediaType = (() => {
  const token = /[\w!#$%&'*+.^`|~-]+/.source;
  const value = String.raw`(?:${token}|"(?:[^"\\]|\\.)*")`;
  const parameters = String.raw`(?:[ \t]*;(?:[ \t]*${token}=${value})?)*`;
  return new RegExp(String.raw`^(${token}/${token})(${parameters})[ \t]*$`);
})();
const charset = /;[ \t]*charset=(?:"([^"]*)"|([^\s;"]+))/gi;

function normalizeMediaType(value: string): string {
  const [, type = "", parameters = ""] = mediaType.exec(value) ?? [];
  const charsets = [...parameters.matchAll(charset)].map(([, quoted, bare = ""]) => quoted ?? bare);
  // Messages are in UTF-8, whatever else is said of them.
  return type !== "" && charsets.every((name) => /^utf-?8$/i.test(name))
    ? type.toLowerCase()
    : value;
}

const codingHeaders = ["content-encoding", "connect-content-encoding", "grpc-encoding"];

function normalizeCoding(value: string): string {
  const coding = value.trim().toLowerCase();
  return coding === "x-gzip" ? "gzip" : coding;
}

/** A list may have empty elements (RFC 9110, section 5.6.1.2); what is left of it must be one coding. */
function normalizeCodings(value: string): string {
  const codings = value.split(",").map(normalizeCoding).filter(Boolean);
  return codings.join() || "identity";
}

const acceptedCodingsHeaders = [
  "accept-encoding",
  "connect-accept-encoding",
  "grpc-accept-encoding",
];
const plainCodings = /^(?:[a-z]+(?:, ?|$))+$/;

function normalizeAcceptedCodings(value: string): string {
  if (plainCodings.test(value)) {
    return value;
  }
  const accepted = value
    .split(",")
    .map((item) => {
      const [coding = "", ...parameters] = item.split(";");
      const weight = parameters.map((each) => /^\s*q=([\d.]+)\s*$/i.exec(each)?.[1]).find(Boolean);
      return { coding: normalizeCoding(coding), weight: Number(weight ?? 1) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight);
  // To accept nothing is not to say nothing, by which Connect compresses as the request is.
  return accepted.map(({ coding }) => coding).join() || "identity";
}

type Shorten = (timeout: string, maxTimeoutMs: number) => string;

const millisecondsOf: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** See https://connectrpc.com/docs/protocol and gRPC's PROTOCOL-HTTP2.md. */
const timeoutHeaders: readonly (readonly [name: string, Shorten])[] = [
  [
    "connect-timeout-ms",
    (timeout, max) => (/^\d{1,10}$/.test(timeout) && Number(timeout) > max ? `${max}` : timeout),
  ],
  [
    "grpc-timeout",
    (timeout, max) => {
      const [, amount, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(timeout) ?? [];
      return Number(amount) * (millisecondsOf[unit] ?? 0) > max ? `${max}m` : timeout;
    },
  ],
];

const none: ReadonlySet<string> = new Set();

/**
 * Finds the names of headers that a client sent more than once, in lower case. Node joins or drops such
 * a header; only the raw list, name and value in turn, tells.
 */
export function findRepeatedHeaders({ headers, rawHeaders }: IncomingMessage): ReadonlySet<string> {
  if (Object.keys(headers).length === rawHeaders.length / 2) {
    return none;
  }
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    (seen.has(name) ? repeated : seen).add(name);
  }
  return repeated;
}
