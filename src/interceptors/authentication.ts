import {
  AccessTokenError,
  KeysUnavailableError,
  type TokenRules,
  type TokenVerifier,
} from "@partner-service/access-tokens";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { type Caller, callerKey, callKey, type Judge, required } from "../context.ts";
import { serviceError } from "./service-error.ts";

/** `Authorization: Bearer <token>`: the scheme ignores case, one space follows (RFC 6750, RFC 9110). */
const bearer = /^Bearer +([^\s]+) *$/i;

/**
 * Verifies the bearer token of each call, and sets the caller.
 *
 * Fails with ACCESS_TOKEN_MISSING, ACCESS_TOKEN_EXPIRED or ACCESS_TOKEN_INVALID, or with
 * AUTHENTICATION_UNAVAILABLE when the keys to tell cannot be had.
 */
export function createAuthenticationInterceptor(verifyToken: TokenVerifier<Caller>): Judge {
  return async ({ requestHeader, values }) => {
    const call = required(values, callKey);
    if (call.repeatedHeaders.has("authorization")) {
      throw serviceError(
        ErrorReason.ACCESS_TOKEN_INVALID,
        "The header Authorization must be sent once.",
        { headers: { "WWW-Authenticate": 'Bearer error="invalid_request"' } },
      );
    }
    const token = bearer.exec(requestHeader.get("authorization") ?? "")?.[1];
    if (token === undefined) {
      throw serviceError(
        ErrorReason.ACCESS_TOKEN_MISSING,
        "The call needs the header Authorization: Bearer <access token>.",
        { headers: { "WWW-Authenticate": "Bearer" } },
      );
    }
    try {
      const caller = await verifyToken(token);
      call.subject = caller.subject;
      values.set(callerKey, caller);
    } catch (failure) {
      throw toServiceError(failure);
    }
  };
}

/** How many characters of a subject are kept (OpenID Connect allows 255). */
const maxSubjectLength = 255;

/**
 * Reads the caller from the claims of a verified token: `sub`, `scope` (RFC 8693, section 4.2), and the
 * claim that holds the organization's id, or a list of them.
 */
export function callerReader(organizationClaim: string): TokenRules<Caller>["readCaller"] {
  return ({ sub: subject, [organizationClaim]: organizations, scope = "" }) => {
    const list: unknown[] = Array.isArray(organizations) ? organizations : [organizations];
    const ids = list.filter((id) => typeof id === "string").map((id) => id.toLowerCase());
    const areIds = ids.length > 0 && ids.length === list.length;
    if (typeof subject !== "string" || subject === "" || typeof scope !== "string" || !areIds) {
      return undefined;
    }
    const scopes = new Set(scope.split(" ").filter((name) => name !== ""));
    return { subject: storable(subject), organizations: ids, scopes };
  };
}

/** The beginning of a subject, with U+FFFD in place of what no database can hold. */
function storable(subject: string): string {
  return subject.slice(0, maxSubjectLength).toWellFormed().replaceAll("\0", "\ufffd");
}

function toServiceError(failure: unknown): unknown {
  if (failure instanceof KeysUnavailableError) {
    return serviceError(
      ErrorReason.AUTHENTICATION_UNAVAILABLE,
      "Access tokens cannot be verified for the moment; try again.",
      { retryAfterMs: 1000, cause: failure },
    );
  }
  if (!(failure instanceof AccessTokenError)) {
    return failure;
  }
  const headers = { "WWW-Authenticate": 'Bearer error="invalid_token"' };
  const [reason, message] = failure.expired
    ? [ErrorReason.ACCESS_TOKEN_EXPIRED, "The access token has expired."]
    : [ErrorReason.ACCESS_TOKEN_INVALID, "The access token is not one that this service accepts."];
  return serviceError(reason, message, { headers, cause: failure });
}
