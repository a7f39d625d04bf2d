import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { Scenario } from "../gen/access/v1/access_pb.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { readAccessRules } from "../src/access/access-rules.ts";

describe("access rules", () => {
  test("are in docs/api.md as the contract has them", async () => {
    const mark = (allowed: boolean) => (allowed ? "✅" : "❌");
    const rows = [...readAccessRules([PartnerService])].map(([{ name }, { scenarios, scope }]) => {
      const marks = [Scenario.GUEST, Scenario.HOST, Scenario.SELF, Scenario.INVITED].map(
        (scenario) => mark(scenarios.includes(scenario)),
      );
      return `| ${[`[${name}](#${name.toLowerCase()})`, ...marks, scope].join(" | ")} |`;
    });
    const table = [
      "| RPC | Guest | Host | Self | Invited | scope |",
      "|---|---|---|---|---|---|",
      ...rows,
      "<!-- /access -->",
    ];
    expect(await readFile("docs/api.md", "utf8")).toContain(table.join("\n"));
  });

  test("are demanded of every RPC: without one there is no start", () => {
    expect(() => readAccessRules([PartnerService, Health])).toThrow(
      "rpc grpc.health.v1.Health.Check has no access.v1.access_rule option.",
    );
  });
});
