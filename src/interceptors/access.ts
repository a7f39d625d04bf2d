import type { Interceptor } from "@connectrpc/connect";
import { Scenario } from "../../gen/access/v1/access_pb.ts";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import type { AccessRules } from "../access/access-rules.ts";
import { callerKey, organizationsKey, required } from "../context.ts";
import { serviceError } from "../errors/service-error.ts";

/**
 * Enforces the access rule that the contract gives to the RPC.
 *
 * Fails with SCOPE_MISSING or SCENARIO_NOT_ALLOWED.
 */
export function createAccessInterceptor(rules: AccessRules): Interceptor {
  return (next) => async (request) => {
    const rule = rules.get(request.method);
    if (rule === undefined) {
      throw new Error(`No access rule was read for ${request.method}.`);
    }
    const caller = required(request.contextValues, callerKey);
    if (!caller.scopes.has(rule.scope)) {
      throw serviceError(
        ErrorReason.SCOPE_MISSING,
        `The access token lacks the scope ${rule.scope}.`,
        { metadata: { scope: rule.scope } },
      );
    }
    const { requester, target } = required(request.contextValues, organizationsKey);
    if (requester !== target || !rule.scenarios.includes(Scenario.SELF)) {
      throw serviceError(
        ErrorReason.SCENARIO_NOT_ALLOWED,
        `The requester may not call ${request.method.name} for this target.`,
      );
    }
    return await next(request);
  };
}
