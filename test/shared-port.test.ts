import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnectTransport } from "@connectrpc/connect-node";
import { StartError } from "@partner-service/settings";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createPartnerClient } from "../packages/client/src/index.ts";
import { readConfig } from "../src/config/config.ts";
import { type Service, startService } from "../src/service.ts";
import { createPostgresDatabase, type TestDatabase } from "./support/databases.ts";
import { failureOf } from "./support/outcome.ts";
import { partnerRequest } from "./support/requests.ts";

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

async function start(
  port: string,
  reusePort: string,
  settings: Record<string, string> = {},
): Promise<Service> {
  const config = readConfig({
    DATABASE_URL: database.settings.databaseUrl,
    DATA_DIR: dataDirectory,
    PORT: port,
    REUSE_PORT: reusePort,
    ...settings,
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

test("Tokens for the next page are good in each process with the same secret, and in no other", async () => {
  const [one, same] = [await start("0", "off"), await start("0", "off")];
  const other = await start("0", "off", { PAGE_TOKEN_SECRET: "another secret of this service" });
  const organization = randomUUID();
  const clientOf = async ({ url, sandbox }: Service) =>
    createPartnerClient({
      transport: createConnectTransport({ baseUrl: url, httpVersion: "1.1" }),
      token: (await sandbox?.createToken(organization)) ?? "",
      organization,
    });
  const [first, second, third] = [await clientOf(one), await clientOf(same), await clientOf(other)];
  await first.batchCreatePartners({ requests: [partnerRequest(), partnerRequest()] });

  const { partners, nextPageToken: pageToken } = await first.listPartners({ pageSize: 1 });
  const next = await second.listPartners({ pageSize: 1, pageToken });
  expect(next.partners).toHaveLength(1);
  expect(next.partners).not.toEqual(partners);
  const foreign = await failureOf(third.listPartners({ pageSize: 1, pageToken }));
  expect(foreign).toMatchObject({ violations: ["page_token: page_token"] });

  const { nextChangeToken: changeToken } = await first.listPartnerChanges({});
  await second.listPartnerChanges({ changeToken });
  const expired = await failureOf(third.listPartnerChanges({ changeToken }));
  expect(expired).toMatchObject({ reason: "CHANGE_TOKEN_EXPIRED" });
});
