import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import type { TokenVerifier } from "../authentication/token-verifier.ts";
import { callerKey, callKey, type HeaderInterceptor, required } from "../context.ts";
import { serviceError } from "./service-error.ts";

/** `Authorization: Bearer <token>`: the scheme ignores case, one space follows (RFC 6750, RFC 9110). */
const bearer = /^Bearer +([^\s]+) *$/i;

/**
 * Verifies the bearer token of each call, and sets the caller.
 *
 * Fails with ACCESS_TOKEN_MISSING where there is no bearer token, and with the verifier's own
 * errors where there is a bad one.
 */
export function createAuthenticationInterceptor(verifyToken: TokenVerifier): HeaderInterceptor {
  return async ({ requestHeader, values }) => {
    if (required(values, callKey).repeatedHeaders.has("authorization")) {
      throw serviceError(
        ErrorReason.ACCESS_TOKEN_INVALID,
        "The header Authorization must be sent once.",
        { headers: { "WWW-Authenticate": 'Bearer error="invalid_request"' } },
      );
    }
    const token = bearer.exec(requestHeader.get("Authorization") ?? "")?.[1];
    if (token === undefined) {
      throw serviceError(
        ErrorReason.ACCESS_TOKEN_MISSING,
        "The call needs the header Authorization: Bearer <access token>.",
        { headers: { "WWW-Authenticate": "Bearer" } },
      );
    }
    values.set(callerKey, await verifyToken(token));
  };
}
