import { channel } from "node:diagnostics_channel";
import {
  errors,
  type JWTPayload,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
} from "jose";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import type { Caller } from "../context.ts";
import { serviceError } from "../interceptors/service-error.ts";
import { KeysUnavailableError, type VerificationKeys } from "./verification-keys.ts";
import { createVerifiedTokenCache } from "./verified-token-cache.ts";

/** How far this machine's clock and the issuer's may be apart, in seconds, for `exp` and `nbf`. */
export const clockToleranceSeconds = 5;

/** How many keys are tried on a token that does not tell which of them has signed it. */
export const maxKeysTried = 16;

/** Publishes for each token whether its verification was remembered: `{ remembered: boolean }`. */
const tokenChannel = channel("partner-service.token");

/** Three parts of base64url without padding (RFC 7515, section 7.1); jose would take padding too. */
const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  /** The JWS algorithms that are accepted; asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** Whether a token has to say that it is an access token, by `typ: at+jwt` (RFC 9068). */
  readonly requireAtJwt: boolean;
  /** The claim that holds the organization's id, or a list of them. */
  readonly organizationClaim: string;
}

/**
 * Turns an access token into the caller that it speaks for.
 *
 * Fails with ACCESS_TOKEN_EXPIRED, with ACCESS_TOKEN_INVALID, which does not say why (RFC 8725), or
 * with AUTHENTICATION_UNAVAILABLE when the keys to tell cannot be had.
 */
export type TokenVerifier = (token: string) => Promise<Caller>;

/**
 * Makes a verifier that verifies a token once and remembers the outcome while it holds.
 *
 * @param now - the clock, in milliseconds since the epoch
 */
export function createTokenVerifier(
  rules: TokenRules,
  keys: VerificationKeys,
  now: () => number = Date.now,
): TokenVerifier {
  const cache = createVerifiedTokenCache();
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
      if (!allowedTypes.includes(readType(protectedHeader.typ))) {
        throw new ClaimError("The header typ is not that of an access token.");
      }
      const caller = readCaller(payload, rules.organizationClaim);
      const validUntil = (payload.exp ?? 0) + clockToleranceSeconds;
      cache.set(token, { caller, validUntil, keysGeneration: keys.generation() });
      return caller;
    } catch (failure) {
      throw toServiceError(failure);
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

class ClaimError extends Error {}

function readCaller(payload: JWTPayload, organizationClaim: string): Caller {
  const { sub: subject, [organizationClaim]: organizations, scope = "" } = payload;
  if (typeof subject !== "string" || subject === "") {
    throw new ClaimError("The claim sub is not a name.");
  }
  if (typeof scope !== "string") {
    throw new ClaimError("The claim scope is not a string.");
  }
  const list: unknown[] = Array.isArray(organizations) ? organizations : [organizations];
  const ids = list.filter((id) => typeof id === "string").map((id) => id.toLowerCase());
  if (ids.length === 0 || ids.length < list.length) {
    throw new ClaimError(`The claim ${organizationClaim} does not hold organizations.`);
  }
  return {
    subject,
    organizations: ids,
    scopes: new Set(scope.split(" ").filter((name) => name !== "")),
  };
}

function toServiceError(failure: unknown): unknown {
  const headers = { "WWW-Authenticate": 'Bearer error="invalid_token"' };
  if (failure instanceof errors.JWTExpired) {
    return serviceError(ErrorReason.ACCESS_TOKEN_EXPIRED, "The access token has expired.", {
      headers,
      cause: failure,
    });
  }
  if (failure instanceof KeysUnavailableError) {
    return serviceError(
      ErrorReason.AUTHENTICATION_UNAVAILABLE,
      "Access tokens cannot be verified for the moment; try again.",
      { retryAfterMs: 1000, cause: failure },
    );
  }
  if (failure instanceof errors.JOSEError || failure instanceof ClaimError) {
    return serviceError(
      ErrorReason.ACCESS_TOKEN_INVALID,
      "The access token is not one that this service accepts.",
      { headers, cause: failure },
    );
  }
  return failure;
}
