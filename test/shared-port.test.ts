import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { type Service, startService } from "../src/service.ts";
import { StartError } from "../src/start-error.ts";
import { createPostgresDatabase, type TestDatabase } from "./support/databases.ts";

let database: TestDatabase & { readonly settings: { readonly databaseUrl: string } };
let dataDirectory: string;
const started: Service[] = [];

beforeAll(async () => {
  database = await createPostgresDatabase();
  dataDirectory = await mkdtemp(join(tmpdir(), "partner-test-"));
});
afterAll(async () => {
  await database.close();
  await rm(dataDirectory, { recursive: true });
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((service) => service.stop()));
});

async function start(port: string, reusePort: string): Promise<Service> {
  const config = readConfig({
    DATABASE_URL: database.settings.databaseUrl,
    DATA_DIR: dataDirectory,
    PORT: port,
    REUSE_PORT: reusePort,
  });
  const service = await startService(config, { level: "silent" });
  started.push(service);
  return service;
}

/** Makes so many calls, each on a connection of its own. */
async function call(url: string, count: number): Promise<readonly number[]> {
  const calls = Array.from({ length: count }, () =>
    fetch(`${url}/healthz`, { headers: { Connection: "close" } }),
  );
  return (await Promise.all(calls)).map(({ status }) => status);
}

/** Not all systems can. */
const canShare = ["linux", "freebsd"].includes(process.platform);

test.runIf(canShare)(
  "With REUSE_PORT=on services share a port, and one takes all calls once the other has stopped",
  async () => {
    const first = await start("0", "on");
    const second = await start(new URL(first.url).port, "on");
    const taken = { first: 0, second: 0 };
    first.app.server.on("connection", () => {
      taken.first += 1;
    });
    second.app.server.on("connection", () => {
      taken.second += 1;
    });
    expect(second.url).toBe(first.url);

    // The system deals connections out by chance: that one gets none of 100 does not happen.
    expect(await call(first.url, 100)).toEqual(Array(100).fill(200));
    expect(taken.first + taken.second).toBe(100);
    expect(Math.min(taken.first, taken.second)).toBeGreaterThan(0);

    await first.stop();
    expect(await call(first.url, 20)).toEqual(Array(20).fill(200));
  },
);

test("Without it the port is one service's", async () => {
  const first = await start("0", "off");
  await expect(start(new URL(first.url).port, "off")).rejects.toThrow(StartError);
});
