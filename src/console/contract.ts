import { type DescMethod, type DescMethodUnary, getOption } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { access_rule, Scenario } from "../../gen/access/v1/access_pb.ts";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";

/** The RPCs of the contract, in its order. */
export const methods: readonly DescMethodUnary[] = PartnerService.methods.filter(isUnary);

/** The RPC of this name; the contract's first if it has none. */
export function methodNamed(name: string): DescMethodUnary {
  const method = methods.find((candidate) => candidate.name === name) ?? methods[0];
  if (method === undefined) {
    throw new Error("The contract has no RPC.");
  }
  return method;
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

/** How the caller may stand to the target. Who is invited is not connected with it yet. */
export const scenarios = ["self", "host", "guest", "invited"] as const;
export type ScenarioName = (typeof scenarios)[number];

export function isScenario(name: string): name is ScenarioName {
  return scenarios.some((scenario) => scenario === name);
}

export const scenarioLabels: Readonly<Record<ScenarioName, string>> = {
  self: "Self",
  host: "Host",
  guest: "Guest",
  invited: "Invited",
};

const admittedAs: Readonly<Record<ScenarioName, Scenario | undefined>> = {
  self: Scenario.SELF,
  host: Scenario.HOST,
  guest: Scenario.GUEST,
  invited: undefined,
};

/** Whether a scenario is admitted to an RPC; "invited" is by showing an invitation only. */
export type Admission = "yes" | "no" | "invited";

/** What the contract's access rule says of a caller in the scenario. */
export function admission(method: DescMethodUnary, scenario: ScenarioName): Admission {
  const admitted: readonly Scenario[] = getOption(method, access_rule).scenarios;
  const own = admittedAs[scenario];
  if (own !== undefined && admitted.includes(own)) {
    return "yes";
  }
  return scenario !== "self" && admitted.includes(Scenario.INVITED) ? "invited" : "no";
}

/** The scope that a token needs for the RPC. */
export function requiredScope(method: DescMethodUnary): string {
  return getOption(method, access_rule).scope;
}

/** Whether the RPC changes nothing. */
export function isRead(method: DescMethodUnary): boolean {
  return method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}
