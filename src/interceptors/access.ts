import { type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import type { Asker } from "@partner-service/postgres-statements";
import { type AccessRule, access_rule, Scenario } from "../../gen/access/v1/access_pb.ts";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import {
  askerOf,
  callerKey,
  type Judge,
  type Organizations,
  organizationsKey,
  required,
} from "../context.ts";
import type { PartnerRepository } from "../partners/partner-repository.ts";
import { serviceError } from "./service-error.ts";

/**
 * Enforces the access rules that the contract gives to the RPCs of the services. Connections are
 * looked up for each call anew, so that the end of one takes effect on the very next call.
 *
 * Fails with SCOPE_MISSING or SCENARIO_NOT_ALLOWED, and with what `isConnected` throws.
 *
 * @throws Error when an RPC has no rule, or one that admits nobody: the service must not start then.
 */
export function createAccessInterceptor(
  services: readonly DescService[],
  isConnected: PartnerRepository["isConnected"],
): Judge {
  const methods = services.flatMap((service) => service.methods);
  const rules = new Map(methods.map((method) => [method, readAccessRule(method)]));

  /** Whether the requester may call for a target other than itself. */
  async function mayCallForOther(
    { scenarios }: AccessRule,
    { requester, target }: Organizations,
    asker: Asker,
  ) {
    if (scenarios.includes(Scenario.INVITED)) {
      return true;
    }
    return (
      (scenarios.includes(Scenario.HOST) &&
        (await isConnected({ host: requester, guest: target }, asker))) ||
      (scenarios.includes(Scenario.GUEST) &&
        (await isConnected({ host: target, guest: requester }, asker)))
    );
  }

  return async (call) => {
    const { method, values } = call;
    const rule = rules.get(method);
    if (rule === undefined) {
      throw new Error(`No access rule was read for ${method}.`);
    }
    if (!required(values, callerKey).scopes.has(rule.scope)) {
      throw serviceError(
        ErrorReason.SCOPE_MISSING,
        `The access token lacks the scope ${rule.scope}.`,
        { metadata: { scope: rule.scope } },
      );
    }
    const organizations = required(values, organizationsKey);
    const isSelf = organizations.requester === organizations.target;
    const allowed = isSelf
      ? rule.scenarios.includes(Scenario.SELF)
      : await mayCallForOther(rule, organizations, askerOf(call));
    if (!allowed) {
      throw serviceError(
        ErrorReason.SCENARIO_NOT_ALLOWED,
        `The requester may not call ${method.name} for this target.`,
      );
    }
  };
}

/**
 * Reads the access rule that the contract gives to an RPC.
 *
 * @throws Error when it has none, or one that admits nobody.
 */
export function readAccessRule(method: DescMethod): AccessRule {
  if (!hasOption(method, access_rule)) {
    throw new Error(`${method} has no access.v1.access_rule option.`);
  }
  const rule = getOption(method, access_rule);
  if (rule.scenarios.length === 0 || rule.scenarios.includes(Scenario.UNSPECIFIED)) {
    throw new Error(`The access rule of ${method} names no scenario, or an unspecified one.`);
  }
  if (rule.scope === "") {
    throw new Error(`The access rule of ${method} names no scope.`);
  }
  return rule;
}
