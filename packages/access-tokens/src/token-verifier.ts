import { channel } from "node:diagnostics_channel";
import type { JWTPayload, JWTVerifyOptions, JWTVerifyResult } from "jose";
import * as errors from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import type { VerificationKeys } from "./verification-keys.ts";
import { createVerifiedTokenCache } from "./verified-token-cache.ts";

/** How far this machine's clock and the issuer's may be apart, in seconds, for `exp` and `nbf`. */
export const clockToleranceSeconds = 5;

/** How many keys are tried on a token that does not tell which of them has signed it. */
export const maxKeysTried = 16;

/** Publishes for each token whether its verification was remembered: `{ remembered: boolean }`. */
const tokenChannel = channel("access-tokens.token");

/** Three parts of base64url without padding (RFC 7515, section 7.1); jose would take padding too. */
const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** What is demanded of a token. */
export interface TokenRules<Caller> {
  readonly issuer: string;
  readonly audience: string;
  /** The JWS algorithms that are accepted; asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** Whether a token has to say that it is an access token, by `typ: at+jwt` (RFC 9068). */
  readonly requireAtJwt: boolean;
  /** Reads from the claims of a verified token who calls; undefined where they do not say it. */
  readonly readCaller: (claims: JWTPayload) => Caller | undefined;
}

/** The token is not one that is accepted. Why, callers are not told (RFC 8725), but that it has expired. */
export class AccessTokenError extends Error {
  override readonly name = "AccessTokenError";
  readonly expired: boolean;

  constructor(expired: boolean, cause?: unknown) {
    super(expired ? "The token has expired." : "The token is not accepted.", { cause });
    this.expired = expired;
  }
}

/**
 * Turns an access token into the caller that it speaks for.
 *
 * @throws AccessTokenError
 * @throws KeysUnavailableError when the keys to tell cannot be had
 */
export type TokenVerifier<Caller> = (token: string) => Promise<Caller>;

/**
 * Makes a verifier that verifies a token once and remembers the outcome while it holds.
 *
 * @param now - the clock, in milliseconds since the epoch
 */
export function createTokenVerifier<Caller>(
  rules: TokenRules<Caller>,
  keys: VerificationKeys,
  now: () => number = Date.now,
): TokenVerifier<Caller> {
  const cache = createVerifiedTokenCache<Caller>();
  const allowedTypes: readonly unknown[] = rules.requireAtJwt
    ? ["at+jwt"]
    : ["at+jwt", "jwt", undefined];
  const options = {
    algorithms: [...rules.algorithms],
    issuer: rules.issuer,
    audience: rules.audience,
    requiredClaims: ["exp", "sub"],
    clockTolerance: clockToleranceSeconds,
  };

  return async (token) => {
    const time = now();
    const remembered = keys.areFresh()
      ? cache.get(token, keys.generation(), time / 1000)
      : undefined;
    if (tokenChannel.hasSubscribers) {
      tokenChannel.publish({ remembered: remembered !== undefined });
    }
    if (remembered !== undefined) {
      return remembered;
    }
    try {
      if (!compactJws.test(token)) {
        throw new errors.JWSInvalid();
      }
      const { payload, protectedHeader } = await verify(token, keys, {
        ...options,
        currentDate: new Date(time),
      });
      const caller = allowedTypes.includes(readType(protectedHeader.typ))
        ? rules.readCaller(payload)
        : undefined;
      if (caller === undefined) {
        throw new AccessTokenError(false);
      }
      const validUntil = (payload.exp ?? 0) + clockToleranceSeconds;
      cache.set(token, { caller, validUntil, keysGeneration: keys.generation() });
      return caller;
    } catch (failure) {
      throw failure instanceof errors.JOSEError
        ? new AccessTokenError(failure instanceof errors.JWTExpired, failure)
        : failure;
    }
  };
}

/** Verifies a token with its key, or with each that may be its key: ids need not be unique. */
async function verify(
  token: string,
  keys: VerificationKeys,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, keys.getKey, options);
  } catch (failure) {
    if (!(failure instanceof errors.JWKSMultipleMatchingKeys)) {
      throw failure;
    }
    let tried = 0;
    for await (const key of failure) {
      try {
        return await jwtVerify(token, key, options);
      } catch (reason) {
        tried += 1;
        if (!(reason instanceof errors.JWSSignatureVerificationFailed) || tried === maxKeysTried) {
          throw reason;
        }
      }
    }
    throw failure;
  }
}

/** A media type, whose case means nothing and whose `application/` may be left out (RFC 7515, section 4.1.9). */
function readType(typ: unknown): unknown {
  return typeof typ === "string" ? typ.toLowerCase().replace(/^application\//, "") : typ;
}
