import { once } from "node:events";
import http from "node:http";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { createRateLimiter } from "../src/interceptors/rate-limit.ts";
import { callHeaders } from "./support/call-cases.ts";
import { acme, globex } from "./support/organizations.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { goodHeaders } from "./support/raw-calls.ts";
import { examplePartner } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

describe("A rate limit", () => {
  function createClock() {
    const clock = { ms: 0, now: () => clock.ms };
    return clock;
  }

  test("lets the burst in at once, and not one call more", () => {
    const { now } = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 50, burst: 3 }, now);
    expect([1, 2, 3, 4, 5].map(() => waitMs("a"))).toEqual([0, 0, 0, 20, 20]);
  });

  test("lets the next call in after as long as it said, and not a millisecond sooner", () => {
    const clock = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 3, burst: 1 }, clock.now);
    expect(waitMs("a")).toBe(0);
    expect(waitMs("a")).toBe(334);
    clock.ms = 333;
    expect(waitMs("a")).toBe(1);
    clock.ms = 334;
    expect(waitMs("a")).toBe(0);
  });

  test("lets in what it allows a second, for as long as it is asked, on top of one burst", () => {
    const clock = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 7, burst: 10 }, clock.now);
    let letIn = 0;
    for (clock.ms = 0; clock.ms < 100_000; clock.ms += 5) {
      letIn += waitMs("a") === 0 ? 1 : 0;
    }
    expect(letIn).toBe(700 + 9);
  });

  test("allows no more than the burst after a rest, however long", () => {
    const clock = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 10, burst: 2 }, clock.now);
    expect([1, 2, 3].map(() => waitMs("a"))).toEqual([0, 0, 100]);
    clock.ms = 3_600_000;
    expect([1, 2, 3].map(() => waitMs("a"))).toEqual([0, 0, 100]);
  });

  test("counts each requester by itself", () => {
    const { now } = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 1, burst: 1 }, now);
    expect(["a", "b", "a", "b"].map(waitMs)).toEqual([0, 0, 1000, 1000]);
  });

  test("remembers so many requesters, and forgets the one that has not called for longest", () => {
    const { now } = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 1, burst: 2 }, now, 2);
    expect(["a", "b", "a"].map(waitMs)).toEqual([0, 0, 0]);
    expect(waitMs("c")).toBe(0);
    expect(waitMs("a")).toBe(1000);
    expect(["b", "b", "b"].map(waitMs)).toEqual([0, 0, 1000]);
  });
});

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
