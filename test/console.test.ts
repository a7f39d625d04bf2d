import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { type Service, startService } from "../src/service.ts";
import { createPostgresDatabase } from "./support/databases.ts";
import { acme } from "./support/organizations.ts";

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
  "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

let dataDirectory: string;
let database: Awaited<ReturnType<typeof createPostgresDatabase>>;

beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), "partner-console-"));
  database = await createPostgresDatabase();
});
afterAll(async () => {
  await database.close();
  await rm(dataDirectory, { recursive: true });
});

async function start(settings: Record<string, string> = {}): Promise<Service> {
  const config = readConfig({
    PORT: "0",
    DATA_DIR: dataDirectory,
    DATABASE_URL: database.settings.databaseUrl,
    ...settings,
  });
  return await startService(config, { level: "silent" });
}

interface Reply {
  readonly status: number | undefined;
  readonly json: Record<string, unknown>;
}

/** Sends the headers just as given, which fetch does not. */
function mint(url: string, headers: Record<string, string>, body: unknown): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
    };
    const call = request(`${url}/sandbox/token`, options, async (response) => {
      const text = (await response.toArray()).join("");
      resolve({ status: response.statusCode, json: JSON.parse(text) });
    });
    call.on("error", reject).end(JSON.stringify(body));
  });
}

describe("the console of the sandbox", () => {
  let service: Service;
  let ownPage: Record<string, string>;

  beforeAll(async () => {
    service = await start();
    ownPage = { Origin: service.url, "Sec-Fetch-Site": "same-origin" };
  });
  afterAll(async () => {
    await service.stop();
  });

  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/console/console.js", "text/javascript; charset=utf-8"],
    ["/console/console.css", "text/css; charset=utf-8"],
  ])("serves %s under a strict policy, anew only when it has changed", async (path, type) => {
    const first = await fetch(`${service.url}${path}`);
    const { headers } = first;
    expect({
      status: first.status,
      type: headers.get("Content-Type"),
      policy: headers.get("Content-Security-Policy"),
      sniffing: headers.get("X-Content-Type-Options"),
      referrer: headers.get("Referrer-Policy"),
      caching: headers.get("Cache-Control"),
    }).toEqual({
      status: 200,
      type,
      policy,
      sniffing: "nosniff",
      referrer: "no-referrer",
      caching: "no-cache",
    });
    const etag = headers.get("ETag") ?? "";
    const second = await fetch(`${service.url}${path}`, { headers: { "If-None-Match": etag } });
    expect({ status: second.status, body: await second.text() }).toEqual({ status: 304, body: "" });
    const plain = await fetch(`${service.url}${path}`, {
      headers: { "Accept-Encoding": "identity" },
    });
    expect(await plain.text()).toBe(await first.text());
  });

  test("has a page without inline scripts and styles, and without foreign addresses", async () => {
    const html = await (await fetch(service.url)).text();
    expect(html).not.toMatch(/<style|style=|<script[^>]*>[^<]|\son\w+=|https?:/);
  });

  test("mints tokens that the service accepts", async () => {
    const { status, json } = await mint(service.url, ownPage, { organization: acme });
    expect(status).toBe(200);
    const list = await fetch(`${service.url}/partner.v1.PartnerService/ListPartners`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Bearer ${json.token}`,
        "Requester-Organization-ID": acme,
        "Target-Organization-ID": acme,
      },
      body: "{}",
    });
    expect(list.status).toBe(200);
  });

  test.each<[string, (url: URL) => Record<string, string | undefined>]>([
    [
      "another site's page",
      () => ({ Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }),
    ],
    [
      "a page of another port",
      () => ({ Origin: "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site" }),
    ],
    ["a page without an origin", () => ({ Origin: "null", "Sec-Fetch-Site": "cross-site" })],
    ["no page at all", () => ({ Origin: undefined, "Sec-Fetch-Site": undefined })],
    ["a page that only claims the origin", () => ({ "Sec-Fetch-Site": "cross-site" })],
    [
      "a page whose name was bound to this address (DNS rebinding)",
      ({ port }) => ({ Host: `evil.example:${port}`, Origin: `http://evil.example:${port}` }),
    ],
    [
      "a page whose name only looks like this machine",
      ({ port }) => ({
        Host: `127.0.0.1.evil.example:${port}`,
        Origin: `http://127.0.0.1.evil.example:${port}`,
      }),
    ],
    ["a host that is another one than the page's", () => ({ Host: "localhost:1" })],
  ])("mints none for %s", async (_name, change) => {
    const changed = { ...ownPage, ...change(new URL(service.url)) };
    const headers = Object.fromEntries(
      Object.entries(changed).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    expect(await mint(service.url, headers, { organization: acme })).toEqual({
      status: 403,
      json: {
        code: "permission_denied",
        message: "Only the sandbox's own console may ask for tokens.",
      },
    });
  });

  test.each([[{}], [{ organization: "acme" }], [[]], ["text"]])(
    "mints none for %j, which names no organization",
    async (body) => {
      expect(await mint(service.url, ownPage, body)).toEqual({
        status: 400,
        json: expect.objectContaining({
          code: "invalid_argument",
          message: "organization must be a UUID.",
        }),
      });
    },
  );
});

test("the console can be switched off, and no token is minted then", async () => {
  const service = await start({ CONSOLE: "off" });
  const page = await fetch(service.url);
  const headers = { Origin: service.url, "Sec-Fetch-Site": "same-origin" };
  const { status } = await mint(service.url, headers, { organization: acme });
  expect({ page: page.status, token: status }).toEqual({ page: 404, token: 404 });
  await service.stop();
});

test("the console of a service with a configured key mints no tokens", async () => {
  const service = await start({
    CONSOLE: "on",
    JWT_JWKS_URL: "https://issuer.example.com/jwks",
    JWT_ISSUER: "https://issuer.example.com",
    JWT_AUDIENCE: "partners",
  });
  const settings = await fetch(`${service.url}/console/settings.json`);
  const headers = { Origin: service.url, "Sec-Fetch-Site": "same-origin" };
  const { status } = await mint(service.url, headers, { organization: acme });
  expect({ settings: await settings.json(), token: status }).toEqual({
    settings: { sandbox: false },
    token: 404,
  });
  await service.stop();
});
