import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Health, ServingStatus } from "@partner-service/health-reflection";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BreakableDatabase, createBreakableDatabase } from "./support/breakable-database.ts";
import { failureOf } from "./support/outcome.ts";
import { startTestService, type TestService } from "./support/service.ts";

describe("grpc.health.v1", () => {
  let database: BreakableDatabase;
  let service: TestService;
  const client = () => createClient(Health, createGrpcTransport({ baseUrl: service.url }));

  beforeEach(async () => {
    database = await createBreakableDatabase();
    service = await startTestService(database);
  });
  afterEach(async () => {
    await service?.close();
  });

  test.each(["", "partner.v1.PartnerService"])("says that %j is serving", async (name) => {
    const { status } = await client().check({ service: name });
    expect(status).toBe(ServingStatus.SERVING);
  });

  test("does not know other services", async () => {
    expect(await failureOf(client().check({ service: "nobody" }))).toEqual({
      code: "NotFound",
      reason: "SERVICE_UNKNOWN",
    });
  });

  test("says NOT_SERVING, and /readyz 503, from the start of the shutdown on", async () => {
    service.drain();
    const { status } = await client().check({});
    expect(status).toBe(ServingStatus.NOT_SERVING);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(503);
  });

  test("says NOT_SERVING, and /readyz 503, while the database is away", async () => {
    await database.proxy.stop();
    const { status } = await client().check({});
    expect(status).toBe(ServingStatus.NOT_SERVING);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(503);
  });

  test("tells a watcher when the shutdown starts, and ends the watch", async () => {
    const seen: ServingStatus[] = [];
    for await (const { status } of client().watch({})) {
      seen.push(status);
      service.drain();
    }
    expect(seen).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  });
});
