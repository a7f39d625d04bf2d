import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../src/config/config.ts";
import { createTroubleSwitch } from "../src/sandbox/trouble.ts";
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

function mint(url: string, headers: Record<string, string>, body: unknown): Promise<Reply> {
  return post(`${url}/sandbox/token`, headers, body);
}

/** Sends the headers just as given, which fetch does not. */
function post(url: string, headers: Record<string, string>, body: unknown): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
    };
    const call = request(url, options, async (response) => {
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
    expect((await list(json.token)).status).toBe(200);
  });

  test.each([
    [{}, "sandbox"],
    [{ subject: "Łucja" }, "Łucja"],
  ])("mints for %j a token of %s", async (wishes, subject) => {
    const { json } = await mint(service.url, ownPage, { organization: acme, ...wishes });
    expect(decodeJwt(String(json.token)).sub).toBe(subject);
  });

  test.each([
    ["that has expired", { expiresInSeconds: -60 }, "ACCESS_TOKEN_EXPIRED"],
    ["without the scope", { scope: "partners:write" }, "SCOPE_MISSING"],
    ["with a scope that no RPC asks for", { scope: "invoices:read" }, "SCOPE_MISSING"],
    ["without any scope", { scope: "" }, "SCOPE_MISSING"],
  ])("mints a token %s, so that a caller can try it", async (_name, wishes, reason) => {
    const { json } = await mint(service.url, ownPage, { organization: acme, ...wishes });
    expect(await reasonOf(await list(json.token))).toEqual({ reason });
  });

  test.each([
    [{ scope: "a  b" }, "scope must be a list of scopes with a space between."],
    [{ scope: 'a"b' }, "scope must be a list of scopes with a space between."],
    [{ scope: "a".repeat(501) }, "scope must be a list of scopes with a space between."],
    [{ subject: "" }, "subject must be a text of 1 to 255 characters."],
    [{ subject: "a".repeat(256) }, "subject must be a text of 1 to 255 characters."],
    [{ subject: 7 }, "subject must be a text of 1 to 255 characters."],
    [{ expiresInSeconds: 1.5 }, "expiresInSeconds must be a whole number."],
    [{ expiresInSeconds: 100_000_001 }, "expiresInSeconds must be a whole number."],
  ])("mints none with %j", async (wishes, message) => {
    const answer = await mint(service.url, ownPage, { organization: acme, ...wishes });
    expect(answer).toMatchObject({ status: 400, json: { message } });
  });

  test("makes trouble on purpose, which looks like the real one, until it is switched off", async () => {
    const { json } = await mint(service.url, ownPage, { organization: acme });
    const turn = async (trouble: string) =>
      (await post(`${service.url}/sandbox/trouble`, ownPage, { trouble })).status;
    const told = async () => (await fetch(`${service.url}/sandbox/trouble`)).json();

    expect(await turn("OVERLOADED")).toBe(200);
    expect(await told()).toEqual({ trouble: "OVERLOADED" });
    expect(await reasonOf(await list(json.token))).toEqual({
      reason: "OVERLOADED",
      retryDelay: expect.stringMatching(/s$/),
    });
    expect(await turn("DATABASE_UNAVAILABLE")).toBe(200);
    expect(await reasonOf(await list(json.token))).toEqual({
      reason: "DATABASE_UNAVAILABLE",
      retryDelay: expect.stringMatching(/s$/),
    });
    expect(await turn("SLOW")).toBe(200);
    const hasty = await list(json.token, { "Connect-Timeout-Ms": "50" });
    expect(await reasonOf(hasty)).toEqual({ reason: "DEADLINE_EXCEEDED" });
    expect(await turn("HAVOC")).toBe(400);
    expect(await told()).toEqual({ trouble: "SLOW" });
    expect(await turn("NONE")).toBe(200);
    expect((await list(json.token)).status).toBe(200);
  });

  test("makes no trouble for another page", async () => {
    const foreign = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    const body = { trouble: "OVERLOADED" };
    expect(await post(`${service.url}/sandbox/trouble`, foreign, body)).toMatchObject({
      status: 403,
      json: { message: "Only the sandbox's own console may make trouble." },
    });
  });

  function list(token: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${service.url}/partner.v1.PartnerService/ListPartners`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Bearer ${token}`,
        "Requester-Organization-ID": acme,
        "Target-Organization-ID": acme,
        ...headers,
      },
      body: "{}",
    });
  }

  async function reasonOf(response: Response) {
    const { details } = JSON.parse(await response.text());
    const told: { debug: Record<string, string> }[] = details;
    const { reason, retryDelay } = Object.assign({}, ...told.map(({ debug }) => debug));
    return { reason, ...(retryDelay === undefined ? {} : { retryDelay }) };
  }

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

test("trouble ends by itself after ten minutes", () => {
  let time = 0;
  const { turn, current } = createTroubleSwitch(() => time);
  turn("SLOW");
  time = 599_999;
  expect(current()).toBe("SLOW");
  time = 600_000;
  expect(current()).toBe("NONE");
});

test("the console can be switched off, and no token is minted then", async () => {
  const service = await start({ CONSOLE: "off" });
  const page = await fetch(service.url);
  const headers = { Origin: service.url, "Sec-Fetch-Site": "same-origin" };
  const { status } = await mint(service.url, headers, { organization: acme });
  expect({ page: page.status, token: status }).toEqual({ page: 404, token: 404 });
  await service.stop();
});

test("the console of a service with a configured key mints no tokens and makes no trouble", async () => {
  const service = await start({
    CONSOLE: "on",
    JWT_JWKS_URL: "https://issuer.example.com/jwks",
    JWT_ISSUER: "https://issuer.example.com",
    JWT_AUDIENCE: "partners",
  });
  const settings = await fetch(`${service.url}/console/settings.json`);
  const headers = { Origin: service.url, "Sec-Fetch-Site": "same-origin" };
  const { status } = await mint(service.url, headers, { organization: acme });
  const trouble = await post(`${service.url}/sandbox/trouble`, headers, { trouble: "OVERLOADED" });
  expect({ settings: await settings.json(), token: status, trouble: trouble.status }).toEqual({
    settings: { sandbox: false },
    token: 404,
    trouble: 404,
  });
  await service.stop();
});
