import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type FaultyService, startFaultyService } from "../faults/faulty-service.ts";
import { missingPrograms } from "../poolers/programs.ts";
import { createPostgresDatabase, type TestDatabase } from "../support/databases.ts";
import { acme } from "../support/organizations.ts";
import { freePort } from "../support/postgres.ts";
import { startHaproxy, startNginx } from "./balancers.ts";
import { openCallers, startLoad } from "./callers.ts";

let database: TestDatabase & { readonly settings: { readonly databaseUrl: string } };
const services: FaultyService[] = [];

beforeAll(async () => {
  database = await createPostgresDatabase();
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.close()));
});
afterAll(async () => {
  await database?.close();
});

/** Starts a process for each of the ports, and returns the headers of calls. */
async function startServices(
  ports: readonly number[],
  settings: Readonly<Record<string, string>>,
): Promise<Headers> {
  const { databaseUrl } = database.settings;
  let issuer: FaultyService["issuer"] | undefined;
  for (const port of ports) {
    const service = await startFaultyService(databaseUrl, issuer, "src/main.ts", {
      PORT: String(port),
      ...settings,
    });
    services.push(service);
    issuer = service.issuer;
  }
  return new Headers(await services[0]?.headers(acme));
}

/** Ends each process with SIGTERM and starts it again, one after the other, so many times. */
async function replaceInTurn(rounds: number, isBack: (index: number) => Promise<unknown>) {
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, service] of services.entries()) {
      expect(await service.terminate()).toBe(0);
      await service.start();
      await isBack(index);
    }
  }
}

/** No caller repeats anything, neither over HTTP/1.1 nor over gRPC, on connections kept and new. */
describe("No call fails while two processes are replaced in turn", () => {
  test("that share a port", async () => {
    const port = await freePort();
    const headers = await startServices([port, port], { REUSE_PORT: "on" });
    const url = `http://127.0.0.1:${port}`;
    const load = startLoad(openCallers({ http1: url, grpc: url }, headers));
    await load.answers(100);
    await replaceInTurn(3, () => load.answers(100));
    await load.end();
    expect(load.failures).toEqual([]);
  });

  const balancers = [
    { program: "nginx", start: startNginx, delayMs: 0 },
    // Three checks, one every two seconds, and a little more.
    { program: "haproxy", start: startHaproxy, delayMs: 7000 },
  ].map((each) => ({ ...each, missing: missingPrograms(each.program) }));

  test.for(balancers)("behind $program with its defaults$missing", async (balancer, context) => {
    const { start, delayMs, missing } = balancer;
    context.skip(missing !== "");
    const ports = [await freePort(), await freePort()];
    const headers = await startServices(ports, { SHUTDOWN_DELAY_MS: String(delayMs) });
    await using running = await start(ports);
    const load = startLoad(openCallers(running, headers));
    await Promise.all(ports.map(running.uses));
    await replaceInTurn(1, (index) => running.uses(ports[index] ?? 0));
    await load.answers(100);
    await load.end();
    expect(load.failures).toEqual([]);
  });
});
