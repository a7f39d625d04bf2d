import type { Interceptor } from "@connectrpc/connect";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import type { TokenVerifier } from "../authentication/token-verifier.ts";
import { callerKey, callKey, required } from "../context.ts";
import { serviceError } from "../errors/service-error.ts";

/** `Authorization: Bearer <token>`: the scheme ignores case, one space follows (RFC 6750, RFC 9110). */
const bearer = /^Bearer +([^\s]+) *$/i;

/**
 * Verifies the bearer token of each call, and sets the caller.
 *
 * Fails with ACCESS_TOKEN_MISSING where there is no bearer token, and with the verifier's own
 * errors where there is a bad one.
 */
export function createAuthenticationInterceptor(verifyToken: TokenVerifier): Interceptor {
  return (next) => async (request) => {
    const header = request.header.get("Authorization");
    const repeated = required(request.contextValues, callKey).repeatedHeaders;
    if (repeated.has("authorization")) {
      throw serviceError(
        ErrorReason.ACCESS_TOKEN_INVALID,
        "The header Authorization must be sent once.",
        { headers: { "WWW-Authenticate": 'Bearer error="invalid_request"' } },
      );
    }
    const token = header === null ? undefined : bearer.exec(header)?.[1];
    if (token === undefined) {
      throw serviceError(
        ErrorReason.ACCESS_TOKEN_MISSING,
        "The call needs the header Authorization: Bearer <access token>.",
        { headers: { "WWW-Authenticate": "Bearer" } },
      );
    }
    request.contextValues.set(callerKey, await verifyToken(token));
    return await next(request);
  };
}
