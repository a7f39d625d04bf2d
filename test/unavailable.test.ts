import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { type BreakableDatabase, createBreakableDatabase } from "./support/breakable-database.ts";
import { callHeaders } from "./support/call-cases.ts";
import { lockPartners } from "./support/locks.ts";
import { globex } from "./support/organizations.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

let database: BreakableDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createBreakableDatabase();
  service = await startTestService(database);
});
afterAll(async () => {
  await service?.close();
});

describe.each(Object.entries(protocols))("over %s", (_name, createTransport) => {
  let headers: Headers;
  const client = () => createClient(PartnerService, createTransport(service.url));

  beforeEach(async () => {
    headers = callHeaders(await service.issuer.token());
  });

  test("a call while the database is away is UNAVAILABLE, and told when to try again; the next works", async () => {
    await database.proxy.stop();
    expect(await failureOf(client().createPartner(partnerRequest(), { headers }))).toEqual({
      code: "Unavailable",
      reason: "DATABASE_UNAVAILABLE",
      retryAfterMs: 1000,
    });
    await database.proxy.start();
    expect((await client().createPartner(partnerRequest(), { headers })).partner).toBeDefined();
  });

  test("a look-up of a connection while the database is away is UNAVAILABLE; where none is needed, none is made", async () => {
    await database.proxy.stop();
    headers.set("Target-Organization-ID", globex);
    expect(await failureOf(client().listPartners({}, { headers }))).toEqual({
      code: "Unavailable",
      reason: "DATABASE_UNAVAILABLE",
      retryAfterMs: 1000,
    });
    const create = client().createPartner(partnerRequest(), { headers });
    expect(await failureOf(create)).toEqual({
      code: "PermissionDenied",
      reason: "SCENARIO_NOT_ALLOWED",
    });
    await database.proxy.start();
  });

  test("a call whose deadline passes while it waits is DEADLINE_EXCEEDED", async () => {
    const lock = await lockPartners(service.databaseSettings);
    const call = client().createPartner(partnerRequest(), { headers, timeoutMs: 300 });
    expect((await failureOf(call)).code).toBe("DeadlineExceeded");
    await lock.release();
  });

  test("an unexpected failure is INTERNAL, says nothing, and is logged once", async () => {
    const linesBefore = service.log.length;
    await service.execute("alter table partner rename column city to town");
    const call = client().createPartner(partnerRequest(), { headers });
    const error = await call.catch((failure: unknown) => failure);
    await service.execute("alter table partner rename column town to city");
    expect(String(error)).toBe("ConnectError: [internal] internal error");
    const logged = service.log.slice(linesBefore).filter(({ msg }) => msg === "call failed");
    expect(logged).toEqual([
      expect.objectContaining({ level: 50, requestId: expect.any(String), err: expect.anything() }),
    ]);
    expect(JSON.stringify(logged)).not.toContain("partner@example.com");
  });
});
