import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { type FaultyService, startFaultyService } from "../faults/faulty-service.ts";
import { missingPrograms } from "../poolers/programs.ts";
import { createPostgresDatabase, type TestDatabase } from "../support/databases.ts";
import { freePort } from "../support/free-port.ts";
import { acme } from "../support/organizations.ts";
import { startHaproxy, startNginx } from "./balancers.ts";
import { openCallers, repeatsNothing, startLoad } from "./callers.ts";

let database: TestDatabase & { readonly settings: { readonly databaseUrl: string } };

beforeAll(async () => {
  database = await createPostgresDatabase();
});
afterAll(async () => {
  await database?.close();
});

/** Two processes, one for each of the ports. */
interface Processes {
  /** Of calls to them. */
  readonly headers: Headers;
  /** Ends each with SIGTERM and starts it again, one after the other, so many times. */
  replaceInTurn(rounds: number, isBack: (port: number) => Promise<unknown>): Promise<void>;
}

async function startProcesses(
  { onTestFinished }: TestContext,
  ports: readonly number[],
  settings: Readonly<Record<string, string>>,
): Promise<Processes> {
  const { databaseUrl } = database.settings;
  const processes = new Map<FaultyService, number>();
  let issuer: FaultyService["issuer"] | undefined;
  let headers = new Headers();
  for (const port of ports) {
    const own = { PORT: String(port), ...settings };
    const service = await startFaultyService(databaseUrl, issuer, "src/main.ts", own);
    onTestFinished(service.close);
    processes.set(service, port);
    issuer = service.issuer;
    headers = await service.headers(acme);
  }
  return {
    headers,
    async replaceInTurn(rounds, isBack) {
      for (let round = 0; round < rounds; round += 1) {
        for (const [service, port] of processes) {
          expect(await service.terminate()).toBe(0);
          await service.start();
          await isBack(port);
        }
      }
    },
  };
}

/**
 * Has Linux give what comes in the instant in which one of several processes closes its side of a port to the others.
 *
 * @throws Error where that cannot be had
 */
async function migrateConnections({ onTestFinished }: TestContext): Promise<void> {
  const setting = "/proc/sys/net/ipv4/tcp_migrate_req";
  const before = await readFile(setting, "utf8");
  if (before.trim() !== "1") {
    await writeFile(setting, "1");
    onTestFinished(() => writeFile(setting, before));
  }
}

/** But for the package, no caller repeats anything, neither over HTTP/1.1 nor over gRPC, on connections kept and new. */
describe("No call fails while two processes are replaced in turn", () => {
  test("that share a port, where net.ipv4.tcp_migrate_req can be had", async (context) => {
    await migrateConnections(context).catch(({ message }: Error) => context.skip(message));
    const port = await freePort();
    const processes = await startProcesses(context, [port, port], { REUSE_PORT: "on" });
    const url = `http://127.0.0.1:${port}`;
    const load = startLoad(openCallers({ http1: url, grpc: url }, processes.headers));
    await load.answers(100);
    await processes.replaceInTurn(3, () => load.answers(100));
    await load.end();
    expect(load.failures).toEqual([]);
  });

  const balancers = [
    // It ends a gRPC connection after 1,000 calls, whatever is behind it, and refuses those that come meanwhile:
    // gRPC's own client has its defaults, too.
    { program: "nginx", start: startNginx, delayMs: 0, grpcOptions: {} },
    // Three checks, one every two seconds, and a little more.
    { program: "haproxy", start: startHaproxy, delayMs: 7000, grpcOptions: repeatsNothing },
  ].map((each) => ({ ...each, missing: missingPrograms(each.program) }));

  // Most of the time they wait.
  test.concurrent.for(balancers)(
    "behind $program with its defaults$missing",
    async (balancer, context) => {
      const { start, delayMs, grpcOptions, missing } = balancer;
      context.skip(missing !== "");
      const ports = [await freePort(), await freePort()];
      const settings = { SHUTDOWN_DELAY_MS: String(delayMs) };
      const processes = await startProcesses(context, ports, settings);
      await using running = await start(ports);
      const load = startLoad(openCallers(running, processes.headers, grpcOptions));
      await Promise.all(ports.map(running.uses));
      await processes.replaceInTurn(1, running.uses);
      await load.answers(100);
      await load.end();
      expect(load.failures).toEqual([]);
    },
  );
});
