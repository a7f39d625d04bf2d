import type { Interceptor } from "@connectrpc/connect";
import { type AccessRule, Scenario } from "../../gen/access/v1/access_pb.ts";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import type { AccessRules } from "../access/access-rules.ts";
import { callerKey, type Organizations, organizationsKey, required } from "../context.ts";
import { serviceError } from "../errors/service-error.ts";
import type { PartnerRepository } from "../partners/partner-repository.ts";

/**
 * Enforces the access rule that the contract gives to the RPC. Connections are looked up for each
 * call anew, so that the end of one takes effect on the very next call.
 *
 * Fails with SCOPE_MISSING or SCENARIO_NOT_ALLOWED, and with what `isConnected` throws.
 */
export function createAccessInterceptor(
  rules: AccessRules,
  isConnected: PartnerRepository["isConnected"],
): Interceptor {
  /** Whether the requester may call for a target other than itself. */
  async function mayCallForOther(
    { scenarios }: AccessRule,
    call: Organizations,
    signal: AbortSignal,
  ) {
    const { requester, target } = call;
    if (scenarios.includes(Scenario.INVITED)) {
      return true;
    }
    return (
      (scenarios.includes(Scenario.HOST) &&
        (await isConnected({ host: requester, guest: target }, signal))) ||
      (scenarios.includes(Scenario.GUEST) &&
        (await isConnected({ host: target, guest: requester }, signal)))
    );
  }

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
    const organizations = required(request.contextValues, organizationsKey);
    const isSelf = organizations.requester === organizations.target;
    const allowed = isSelf
      ? rule.scenarios.includes(Scenario.SELF)
      : await mayCallForOther(rule, organizations, request.signal);
    if (!allowed) {
      throw serviceError(
        ErrorReason.SCENARIO_NOT_ALLOWED,
        `The requester may not call ${request.method.name} for this target.`,
      );
    }
    return await next(request);
  };
}
