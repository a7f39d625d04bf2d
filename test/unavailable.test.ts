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

const overProtocols = Object.entries(protocols);

let database: BreakableDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createBreakableDatabase();
  service = await startTestService(database);
});
afterAll(async () => {
  await service?.close();
});

const clientOver = (createTransport: (typeof protocols)[string]) =>
  createClient(PartnerService, createTransport(service.url));

// At once, for each call waits for the database to come back.
describe.concurrent("while the database is away", () => {
  beforeAll(async () => {
    await database.proxy.stop();
  });
  afterAll(async () => {
    await database.proxy.start();
  });

  test.each(overProtocols)(
    "a call over %s is UNAVAILABLE, and told when to try again",
    async (_name, createTransport) => {
      const headers = callHeaders(await service.issuer.token());
      const call = clientOver(createTransport).createPartner(partnerRequest(), { headers });
      expect(await failureOf(call)).toEqual({
        code: "Unavailable",
        reason: "DATABASE_UNAVAILABLE",
        retryAfterMs: 1000,
      });
    },
  );

  test.each(overProtocols)(
    "a look-up of a connection over %s is UNAVAILABLE; where none is needed, none is made",
    async (_name, createTransport) => {
      const headers = callHeaders(await service.issuer.token(), {
        "Target-Organization-ID": globex,
      });
      const client = clientOver(createTransport);
      expect(await failureOf(client.listPartners({}, { headers }))).toEqual({
        code: "Unavailable",
        reason: "DATABASE_UNAVAILABLE",
        retryAfterMs: 1000,
      });
      const create = client.createPartner(partnerRequest(), { headers });
      expect(await failureOf(create)).toEqual({
        code: "PermissionDenied",
        reason: "SCENARIO_NOT_ALLOWED",
      });
    },
  );
});

describe.each(overProtocols)("over %s", (_name, createTransport) => {
  let headers: Headers;
  const client = () => clientOver(createTransport);

  beforeEach(async () => {
    headers = callHeaders(await service.issuer.token());
  });

  test("a call works that finds its connections broken, and the database back", async () => {
    await database.proxy.stop();
    await database.proxy.start();
    expect((await client().createPartner(partnerRequest(), { headers })).partner).toBeDefined();
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
