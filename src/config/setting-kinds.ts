import { availableParallelism } from "node:os";
import { findParameterProblem, parseDatabaseUrl } from "@partner-service/database-url";
import type { RateLimit } from "@partner-service/health-reflection";
import { isAddressRange, isLoopback } from "@partner-service/one-port-server";
import { type Kind, listOf, StartError } from "@partner-service/settings";

/** The algorithms that may be allowed: asymmetric ones (RFC 8725, section 3.2). */
export const asymmetricAlgorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

export const algorithms = listOf(
  "list",
  `must list some of ${asymmetricAlgorithms.join(", ")}`,
  (name) => asymmetricAlgorithms.includes(name),
  1,
);

export const origins = listOf(
  "list of origins",
  "must list whole origins such as https://app.example.com: no path, no *",
  (text) => URL.parse(text)?.origin === text && /^https?:\/\/[^*]+$/.test(text),
);

export const headerNames = listOf(
  "list of header names",
  "must list names of headers such as X-Tenant: no *",
  // Tokens (RFC 9110, section 5.1), without the star, which in CORS means all but Authorization.
  (name) => /^[!#$%&'+.^_`|~\w-]+$/.test(name),
);

export const addressRanges = listOf(
  "list of addresses and CIDRs",
  "must be addresses or ranges: 10.0.0.0/8,2001:db8::1",
  isAddressRange,
);

export const processCount: Kind<number> = {
  type: "1 to 256, or auto",
  rule: "must be a whole number from 1 to 256, or auto",
  read(text) {
    const number = text === "auto" ? availableParallelism() : Number(text);
    return /^(?:\d+|auto)$/.test(text) && number >= 1 && number <= 256 ? number : undefined;
  },
};

export const rateLimit: Kind<RateLimit> = {
  type: "calls a second/burst",
  rule: "must be calls a second and a burst, of 1 to 999999 each: 50/100",
  read(text) {
    const [, callsPerSecond, burst] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
    const limit = { callsPerSecond: Number(callsPerSecond), burst: Number(burst) };
    return limit.callsPerSecond >= 1 && limit.burst >= 1 ? Object.freeze(limit) : undefined;
  },
};

export const secret: Kind<string> = {
  type: "text",
  rule: "must be 16 characters long at least",
  read: (text) => (text.length < 16 ? undefined : text),
};

export const jwksUrl: Kind<URL> = {
  type: "https://…",
  rule: "must be an https URL (http only on a loopback address), without a password",
  read(text) {
    const url = URL.parse(text);
    const secure =
      url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
    return url !== null && secure && url.username === "" && url.password === "" ? url : undefined;
  },
};

export const databaseUrl: Kind<string> = {
  type: "postgres://…",
  rule: "must be a URL that begins with postgres://",
  read(text, setting) {
    if (parseDatabaseUrl(text) === null) {
      return undefined;
    }
    const problem = findParameterProblem(text);
    if (problem !== undefined) {
      throw new StartError(`${setting} ${problem}.`);
    }
    return text;
  },
};
