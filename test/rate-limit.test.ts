import { once } from "node:events";
import http from "node:http";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { callHeaders } from "./support/call-cases.ts";
import { acme, globex } from "./support/organizations.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { goodHeaders } from "./support/raw-calls.ts";
import { examplePartner } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

describe("The service with a rate limit", () => {
  let service: TestService;
  const limited = { code: "ResourceExhausted", reason: "RATE_LIMITED" };
  const slow = { callsPerSecond: 0.001, burst: 1 };

  beforeAll(async () => {
    service = await startTestService("postgresql", { rateLimit: slow });
  });
  afterAll(() => service?.close());

  test.each(Object.keys(protocols))("tells when to try again: %s", async (name) => {
    const client = createClient(PartnerService, protocolOf(name)(service.url));
    const requester = crypto.randomUUID();
    const token = await service.issuer.token({ org_id: [requester, globex] });
    const headers = callHeaders(token, {
      "Requester-Organization-ID": requester,
      "Target-Organization-ID": requester,
    });
    await client.createPartner(examplePartner, { headers });
    const { retryAfterMs = 0, ...failure } = await failureOf(client.listPartners({}, { headers }));
    expect(failure).toEqual(limited);
    expect(retryAfterMs).toBeGreaterThan(900_000);
    expect(retryAfterMs).toBeLessThanOrEqual(1_000_000);
  });

  test("counts no call of one who is not who it says", async () => {
    const victim = crypto.randomUUID();
    const changes = { "Requester-Organization-ID": victim, "Target-Organization-ID": victim };
    const client = createClient(PartnerService, protocolOf("gRPC, HTTP/2")(service.url));
    const foreign = callHeaders(await service.issuer.token({ org_id: acme }), changes);
    const refused = await failureOf(client.listPartners({}, { headers: foreign }));
    expect(refused.reason).toBe("REQUESTER_NOT_AUTHORIZED");
    const own = callHeaders(await service.issuer.token({ org_id: victim }), changes);
    expect((await client.listPartners({}, { headers: own })).partners).toEqual([]);
  });

  test("answers before the body has come", async () => {
    const headers = Object.fromEntries([
      ...goodHeaders(await service.issuer.token()),
      ["Content-Length", "1000"],
    ]);
    const path = `${service.url}/partner.v1.PartnerService/CreatePartner`;
    const statuses: unknown[] = [];
    for (const body of [" ".repeat(1000), ""]) {
      const request = http.request(path, { method: "POST", agent: false, headers });
      request.on("error", () => undefined).write(body);
      request.flushHeaders();
      const [response] = await once(request, "response");
      statuses.push(response.statusCode);
      request.destroy();
    }
    expect(statuses).toEqual([400, 429]);
  });

  function protocolOf(name: string) {
    const create = protocols[name];
    if (create === undefined) {
      throw new Error(`There is no protocol ${name}.`);
    }
    return create;
  }
});
