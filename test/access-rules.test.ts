import { readFile } from "node:fs/promises";
import { createConnectRouter } from "@connectrpc/connect";
import { Health, ServerReflection } from "@partner-service/health-reflection";
import { describe, expect, test } from "vitest";
import { Scenario } from "../gen/access/v1/access_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { readAccessRule } from "../src/interceptors/access.ts";
import { demandAccessRules } from "../src/interceptors/mounting.ts";
import { withAccessRule } from "./support/changed-contract.ts";

describe("access rules", () => {
  test("are in docs/api.md as the contract has them", async () => {
    const mark = (allowed: boolean) => (allowed ? "✅" : "❌");
    const rows = PartnerService.methods.map((method) => {
      const { scenarios, scope } = readAccessRule(method);
      const marks = [Scenario.GUEST, Scenario.HOST, Scenario.SELF, Scenario.INVITED].map(
        (scenario) => mark(scenarios.includes(scenario)),
      );
      const link = `[${method.name}](#${method.name.toLowerCase()})`;
      return `| ${[link, ...marks, scope].join(" | ")} |`;
    });
    const table = [
      "| RPC | Guest | Host | Self | Invited | scope |",
      "|---|---|---|---|---|---|",
      ...rows,
      "<!-- /access -->",
    ];
    expect(await readFile("docs/api.md", "utf8")).toContain(table.join("\n"));
  });

  test.each([
    ["no scenario", { scenarios: [], scope: "partners:read" }],
    [
      "a scenario that is unspecified",
      { scenarios: [Scenario.SELF, Scenario.UNSPECIFIED], scope: "partners:read" },
    ],
    ["no scope", { scenarios: [Scenario.SELF], scope: "" }],
  ])("are refused that name %s", (_what, rule) => {
    for (const method of withAccessRule(rule).methods) {
      expect(() => readAccessRule(method)).toThrow(`The access rule of ${method} names no sc`);
    }
  });

  test("are demanded of every RPC that is mounted, of whichever service, unless it is public", () => {
    const router = createConnectRouter().service(PartnerService, {}).service(Health, {});
    expect(() => demandAccessRules(router, [Health])).not.toThrow();
    expect(() => demandAccessRules(router, [ServerReflection])).toThrow(
      "rpc grpc.health.v1.Health.Check has no access.v1.access_rule option.",
    );
  });
});
