import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import type { TokenVerifier } from "@partner-service/access-tokens";
import { type Call, type Caller, callerKey, callKey, required } from "../../src/context.ts";
import { createAuthenticationInterceptor } from "../../src/interceptors/authentication.ts";

/** What a call with this token is let in as, or the error that its caller gets. */
export async function authenticate(
  verifyToken: TokenVerifier<Caller>,
  token: string,
): Promise<Caller> {
  const call: Pick<Call, "repeatedHeaders"> = { repeatedHeaders: new Set() };
  // Of a call and its context the interceptor takes no more than this.
  const values = createContextValues().set(callKey, call as Call);
  const context = { requestHeader: new Headers({ Authorization: `Bearer ${token}` }), values };
  await createAuthenticationInterceptor(verifyToken)(context as HandlerContext);
  return required(values, callerKey);
}
