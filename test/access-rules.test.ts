import { describe, expect, test } from "vitest";
import { Scenario } from "../gen/access/v1/access_pb.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { readAccessRules } from "../src/access/access-rules.ts";

describe("access rules", () => {
  test("come from the contract", () => {
    const rules = readAccessRules([PartnerService]);
    const rule = rules.get(PartnerService.method.createPartner);
    expect({ scenarios: rule?.scenarios, scope: rule?.scope }).toEqual({
      scenarios: [Scenario.SELF],
      scope: "partners:write",
    });
  });

  test("are demanded of every RPC: without one there is no start", () => {
    expect(() => readAccessRules([PartnerService, Health])).toThrow(
      "rpc grpc.health.v1.Health.Check has no access.v1.access_rule option.",
    );
  });
});
