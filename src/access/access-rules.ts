import { type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import { type AccessRule, access_rule, Scenario } from "../../gen/access/v1/access_pb.ts";

/** The access rule of each RPC, read from the contract once. */
export type AccessRules = ReadonlyMap<DescMethod, AccessRule>;

/**
 * Reads the access rules of all RPCs of the services.
 *
 * @throws Error when an RPC has none, or one that admits nobody: the service must not start then.
 */
export function readAccessRules(services: readonly DescService[]): AccessRules {
  const methods = services.flatMap((service) => service.methods);
  return new Map(methods.map((method) => [method, readAccessRule(method)]));
}

function readAccessRule(method: DescMethod): AccessRule {
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
