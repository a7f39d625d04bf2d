import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getOption } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { access_rule } from "../gen/access/v1/access_pb.ts";
import { ConnectionRole, PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { readConfig } from "../src/config/config.ts";
import { startService } from "../src/service.ts";
import {
  acceptInvitation,
  type BookClient,
  bookClient,
  createPartner,
  newBook,
} from "./support/book.ts";
import { callHeaders } from "./support/call-cases.ts";
import { createPostgresDatabase } from "./support/databases.ts";
import { linesTo } from "./support/lines-to.ts";
import { lockPartners } from "./support/locks.ts";
import { acme, globex } from "./support/organizations.ts";
import { failureOf } from "./support/outcome.ts";
import { startCommand, startProcess } from "./support/process.ts";
import { protocols } from "./support/protocols.ts";
import { examplePartner, partnerRequest } from "./support/requests.ts";
import { createTcpProxy } from "./support/tcp-proxy.ts";
import { createTokenIssuer, type TokenIssuer, tokenRules } from "./support/tokens.ts";

type Event = Readonly<Record<string, unknown>>;
type Running = Awaited<ReturnType<typeof start>>;

const isEvent = compileSchema();

function compileSchema() {
  const schema = JSON.parse(readFileSync("docs/audit-event.schema.json", "utf8"));
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  // Its types are those of a module of CommonJS.
  (addFormats as unknown as (to: Ajv2020) => void)(ajv);
  return ajv.compile(schema);
}

let database: Awaited<ReturnType<typeof createPostgresDatabase>>;
let directory: string;
let issuer: TokenIssuer;

beforeAll(async () => {
  database = await createPostgresDatabase();
  directory = await mkdtemp(join(tmpdir(), "partner-audit-"));
  issuer = await createTokenIssuer();
  await writeFile(join(directory, "key.json"), JSON.stringify(issuer.publicKey));
});
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});

const settingsOf = () => ({
  DATABASE_URL: database.settings.databaseUrl ?? "",
  PORT: "0",
  JWT_PUBLIC_KEY_FILE: join(directory, "key.json"),
  JWT_ISSUER: tokenRules.issuer,
  JWT_AUDIENCE: tokenRules.audience,
  SHUTDOWN_GRACE_MS: "0",
});

/** Starts the service with a trail in a file of its own. */
async function start(settings: Record<string, string> = {}, path = newPath()) {
  const log: Record<string, unknown>[] = [];
  const stream = linesTo((line) => log.push(JSON.parse(line)));
  const config = readConfig({ ...settingsOf(), AUDIT_LOG: path, ...settings });
  const service = await startService(config, { level: "info", stream });
  const events = () => readEvents(readFileSync(path, "utf8"));
  return { ...service, issuer, path, log, events };
}

function newPath(): string {
  return join(directory, `${randomUUID()}.log`);
}

/** The events of a trail, each as the published schema says. */
function readEvents(text: string): Event[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const event = JSON.parse(line);
      expect(isEvent(event), JSON.stringify([isEvent.errors, event])).toBe(true);
      return event;
    });
}

/** What is the same in each event of a service's own organization's call. */
const anyEvent = {
  audit: 1,
  kind: "call",
  time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  requestId: expect.any(String),
  address: "127.0.0.1",
  subject: "test",
};
const rpc = (name: string) => `partner.v1.PartnerService/${name}`;

describe("The audit trail", () => {
  let service: Running;
  let read = 0;

  beforeAll(async () => {
    service = await start();
  });
  afterAll(async () => {
    await service?.stop();
  });
  afterEach(() => {
    read = service.events().length;
  });
  /** The events since the test began. */
  const newEvents = () => service.events().slice(read);

  test.each(Object.entries(protocols))(
    "has the event of a change when the answer comes: %s",
    async (_name, create) => {
      const { client, organization } = await newBook(service, create);
      const partner = await createPartner(client);
      expect(newEvents()).toEqual([
        {
          ...anyEvent,
          rpc: rpc("CreatePartner"),
          outcome: "ok",
          requester: organization,
          target: organization,
          partners: [{ id: partner.id, revisionBefore: null, revisionAfter: 1 }],
        },
      ]);
    },
  );

  test("tells of each event when it was", async () => {
    const { client } = await newBook(service, protocols["Connect JSON, HTTP/1.1"]);
    const second = 1000 * Math.ceil(Date.now() / 1000);
    const times = [second + 7, second + 999, second + 1000];
    onTestFinished(() => {
      vi.useRealTimers();
    });
    for (const time of times) {
      vi.useFakeTimers({ toFake: ["Date"], now: time });
      await createPartner(client);
    }
    expect(newEvents().map(({ time }) => time)).toEqual(
      times.map((time) => new Date(time).toISOString()),
    );
  });

  interface Book {
    readonly client: BookClient;
    readonly organization: string;
    /** Of a partner that is there. */
    readonly id: string;
  }
  /** Calls of each RPC that changes something, each with what its events have of the partners. */
  const writes: Record<string, (book: Book) => Promise<unknown[]>> = {
    async createPartner({ client }) {
      const requestId = randomUUID();
      const { id } = await createPartner(client, { requestId });
      await createPartner(client, { requestId });
      return [
        [{ id, revisionBefore: null, revisionAfter: 1 }],
        [{ id, revisionBefore: 1, revisionAfter: 1 }],
      ];
    },
    async batchCreatePartners({ client }) {
      const requests = [partnerRequest(), partnerRequest()];
      const batch = { requests, requestId: randomUUID() };
      const { partners } = await client.batchCreatePartners(batch);
      await client.batchCreatePartners(batch);
      return [
        partners.map(({ id }) => ({ id, revisionBefore: null, revisionAfter: 1 })),
        partners.map(({ id }) => ({ id, revisionBefore: 1, revisionAfter: 1 })),
      ];
    },
    async updatePartner({ client, id }) {
      await client.updatePartner({ partner: { id, city: "Boston", salesAmount: 0 } });
      await client.updatePartner({ partner: { id: id.toUpperCase(), city: "Boston" } });
      return [
        [{ id, revisionBefore: 1, revisionAfter: 2, fields: ["sales_amount", "city"] }],
        [{ id, revisionBefore: 2, revisionAfter: 2 }],
      ];
    },
    async invitePartner({ client, id }) {
      await client.invitePartner({ id });
      return [[{ id, revisionBefore: 1, revisionAfter: 2, fields: ["invitation_token"] }]];
    },
    async revokeInvitation({ client, id }) {
      await client.invitePartner({ id });
      await client.revokeInvitation({ id });
      await failureOf(client.revokeInvitation({ id }));
      return [
        [{ id, revisionBefore: 2, revisionAfter: 3, fields: ["invitation_token"] }],
        [{ id }],
      ];
    },
    async acceptInvitation({ client, organization, id }) {
      const { invitationToken } = await client.invitePartner({ id });
      const guest = randomUUID();
      await acceptInvitation(service, guest, organization, invitationToken);
      await acceptInvitation(service, guest, organization, invitationToken);
      const fields = ["invitation_status", "guest_organization_id"];
      return [
        [{ id, revisionBefore: 2, revisionAfter: 3, fields }],
        [{ id, revisionBefore: 3, revisionAfter: 3 }],
      ];
    },
    async endConnection({ client, organization, id }) {
      const { invitationToken } = await client.invitePartner({ id });
      const guest = randomUUID();
      await acceptInvitation(service, guest, organization, invitationToken);
      const connection = { organizationId: guest, role: ConnectionRole.HOST };
      await client.endConnection(connection);
      await failureOf(client.endConnection(connection));
      const fields = ["invitation_status", "guest_organization_id"];
      return [[{ id, revisionBefore: 3, revisionAfter: 4, fields }], []];
    },
    async deletePartner({ client, id }) {
      await client.deletePartner({ id });
      await failureOf(client.deletePartner({ id }));
      return [[{ id, revisionBefore: 1, revisionAfter: null }], [{ id }]];
    },
  };
  const writingRpcs = PartnerService.methods.filter(
    (method) => getOption(method, access_rule).scope === "partners:write",
  );

  test.each(writingRpcs.map(({ localName, name }) => [name, localName]))(
    "tells what %s has done to which partner, and which repetition did nothing",
    async (name, localName) => {
      const { client, organization } = await newBook(service);
      const { id } = await createPartner(client);
      const before = newEvents().length;
      const partners = await writes[localName]?.({ client, organization, id });
      const events = newEvents().slice(before);
      const own = events.filter((event) => event.rpc === rpc(name));
      expect(own.map((event) => event.partners)).toEqual(partners);
    },
  );

  test("has no event of what only reads", async () => {
    const { client } = await newBook(service);
    const { id } = await createPartner(client);
    await client.getPartner({ id });
    await client.listPartners({});
    await failureOf(client.getPartner({ id: randomUUID() }));
    expect(newEvents().map((event) => event.rpc)).toEqual([rpc("CreatePartner")]);
  });

  test.each(Object.entries(protocols))(
    "has one line of a caller whose name would end it: %s",
    async (_name, create) => {
      const subject = 'a"b\\\n{"audit":1}\u2028😀';
      const client = createClient(PartnerService, create(service.url));
      const headers = callHeaders(await issuer.token({ sub: subject }), {});
      const { partner } = await client.createPartner(examplePartner, { headers });
      expect(newEvents()).toEqual([
        {
          ...anyEvent,
          rpc: rpc("CreatePartner"),
          outcome: "ok",
          subject,
          requester: acme,
          target: acme,
          partners: [{ id: partner?.id, revisionBefore: null, revisionAfter: 1 }],
        },
      ]);
    },
  );

  describe.each(Object.entries(protocols))("over %s", (_name, create) => {
    test.each<[string, Record<string, unknown>, Record<string, string | undefined>, Event]>([
      [
        "without a token",
        {},
        { Authorization: undefined },
        { outcome: "unauthenticated", reason: "ACCESS_TOKEN_MISSING" },
      ],
      [
        "with a bad token",
        { aud: "somebody" },
        {},
        { outcome: "unauthenticated", reason: "ACCESS_TOKEN_INVALID" },
      ],
      [
        "with an expired token",
        { exp: 1 },
        {},
        { outcome: "unauthenticated", reason: "ACCESS_TOKEN_EXPIRED" },
      ],
      [
        "for a requester who is not the token's",
        { org_id: globex },
        {},
        {
          outcome: "permission_denied",
          reason: "REQUESTER_NOT_AUTHORIZED",
          subject: "test",
          requester: acme,
          target: acme,
        },
      ],
      [
        "without the scope",
        { scope: "" },
        {},
        {
          outcome: "permission_denied",
          reason: "SCOPE_MISSING",
          subject: "test",
          requester: acme,
          target: acme,
        },
      ],
      [
        "for another's book",
        {},
        { "Target-Organization-ID": globex },
        {
          outcome: "permission_denied",
          reason: "SCENARIO_NOT_ALLOWED",
          subject: "test",
          requester: acme,
          target: globex,
        },
      ],
    ])(
      "has the event of a call %s, of one that only reads too",
      async (_case, claims, changes, facts) => {
        const client = createClient(PartnerService, create(service.url));
        const headers = callHeaders(await issuer.token(claims), changes);
        await failureOf(client.createPartner(examplePartner, { headers }));
        await failureOf(client.listPartners({}, { headers }));
        const { subject: _, ...others } = anyEvent;
        await expect.poll(newEvents).toEqual(
          ["CreatePartner", "ListPartners"].map((name) => ({
            ...others,
            rpc: rpc(name),
            partners: [],
            ...facts,
          })),
        );
      },
    );

    test("has the event of a write that fails, with its reason and the partner that it names", async () => {
      const { client } = await newBook(service, create);
      const id = randomUUID();
      await failureOf(client.createPartner({}));
      await failureOf(client.updatePartner({ partner: { id, city: "Boston" } }));
      await expect
        .poll(() => newEvents().map(({ outcome, reason, partners }) => [outcome, reason, partners]))
        .toEqual([
          ["invalid_argument", "FIELD_INVALID", []],
          ["not_found", "PARTNER_NOT_FOUND", [{ id }]],
        ]);
    });

    test("tells of a change whose caller heard of no answer what became of it", async () => {
      const { client, organization } = await newBook(service, create);
      const lock = await lockPartners(database.settings);
      onTestFinished(() => lock.release());
      const leaving = new AbortController();
      const failing = failureOf(client.createPartner(examplePartner, { signal: leaving.signal }));
      await lock.awaited();
      leaving.abort();
      expect(await failing).toEqual({ code: "Canceled" });
      const isOver = ({ msg, requester }: Event) => msg === "call" && requester === organization;
      await expect.poll(() => service.log.filter(isOver)).toHaveLength(1);
      expect(newEvents()).toEqual([]);
      await lock.release();
      await expect
        .poll(() => newEvents().map(({ outcome, partners }) => [outcome, partners]))
        .toEqual([
          ["canceled", [{ id: expect.any(String), revisionBefore: null, revisionAfter: 1 }]],
        ]);
    });
  });

  test("has the id by which the answer and the log name the call, and its trace", async () => {
    const { client } = await newBook(service);
    const requestId = randomUUID();
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const headers = { "X-Request-Id": requestId, traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    await client.createPartner(examplePartner, { headers });
    expect(newEvents()).toMatchObject([{ requestId, traceId }]);
  });

  test("takes the word of nobody for where a call comes from", async () => {
    const { client } = await newBook(service);
    const headers = { "X-Forwarded-For": "203.0.113.9" };
    await client.createPartner(examplePartner, { headers });
    expect(newEvents()).toMatchObject([{ address: "127.0.0.1" }]);
  });

  test("holds no value, no token and no message", async () => {
    const { client } = await newBook(service);
    const { id } = await createPartner(client, { companyName: "Secret Ltd" });
    await client.updatePartner({ partner: { id, city: "Secretville" } });
    const { invitationToken } = await client.invitePartner({ id });
    const text = readFileSync(service.path, "utf8");
    expect(text).not.toMatch(/Secret|eyJ/);
    expect(text).not.toContain(invitationToken);
  });
});

/** A trail on a disk that is full, until there is room. */
function fullDisk() {
  const path = newPath();
  symlinkSync("/dev/full", path);
  return {
    path,
    makeRoom() {
      rmSync(path);
      writeFileSync(path, "");
    },
  };
}

const readiness = async (url: string) => (await fetch(`${url}/readyz`)).status;
const unrecorded = { code: "Unavailable", reason: "AUDIT_UNAVAILABLE", retryAfterMs: 1000 };

describe("While the audit trail cannot be written", () => {
  test("changes are made, the service is not ready, and the log says so; the events come later", async () => {
    const disk = fullDisk();
    const service = await start({}, disk.path);
    onTestFinished(async () => {
      await service.stop();
    });
    const { client } = await newBook(service);
    expect(await readiness(service.url)).toBe(200);
    const { id } = await createPartner(client);
    expect(await readiness(service.url)).toBe(503);
    expect(service.log.findLast(({ level }) => level === 50)).toMatchObject({
      msg: "audit trail not written",
      reason: "ENOSPC",
    });
    disk.makeRoom();
    service.reload();
    await expect.poll(() => readiness(service.url)).toBe(200);
    expect(service.events()).toMatchObject([{ outcome: "ok", partners: [{ id }] }]);
  });

  test("none is made where it is required, and reads go on", async () => {
    const disk = fullDisk();
    const service = await start({ AUDIT_REQUIRED: "on" }, disk.path);
    onTestFinished(async () => {
      await service.stop();
    });
    const { client } = await newBook(service);
    // Nobody knows yet. The change is made, and not acknowledged.
    const requestId = randomUUID();
    const request = partnerRequest({ requestId });
    expect(await failureOf(client.createPartner(request))).toEqual(unrecorded);
    expect(await failureOf(client.createPartner(examplePartner))).toEqual(unrecorded);
    expect((await client.listPartners({})).partners).toHaveLength(1);
    expect(await readiness(service.url)).toBe(200);
    disk.makeRoom();
    service.reload();
    await expect.poll(() => client.createPartner(request).then(() => "ok", String)).toBe("ok");
    const events = service.events();
    expect(events[0]).toMatchObject({ outcome: "ok", partners: [{ revisionBefore: null }] });
    expect(events[1]).toMatchObject({
      outcome: "unavailable",
      reason: "AUDIT_UNAVAILABLE",
      partners: [],
    });
    expect(events.at(-1)).toMatchObject({
      outcome: "ok",
      partners: [{ revisionBefore: 1, revisionAfter: 1 }],
    });
  });

  test("a start on a file that cannot be opened fails in one line", async () => {
    const path = newPath();
    mkdirSync(path);
    await expect(start({}, path)).rejects.toThrow(
      "AUDIT_LOG names a file that cannot be written (EISDIR).",
    );
  });
});

describe("The audit trail of a process", () => {
  async function call(
    service: { waitFor(pattern: RegExp): Promise<RegExpExecArray> },
    headers = {},
  ) {
    const [, url = ""] = await service.waitFor(/"url":"(http[^"]+)","msg":"ready"/);
    const client = await bookClient({ url, issuer }, acme);
    const { partner } = await client.createPartner(examplePartner, { headers });
    return partner?.id;
  }
  const isAudit = (line: string) => line.startsWith('{"audit"');

  test("goes to stdout beside the log, with the address that a trusted proxy tells", async () => {
    const service = startProcess("src/main.ts", {
      ...settingsOf(),
      TRUSTED_PROXIES: "127.0.0.0/8",
    });
    onTestFinished(() => void service.child.kill("SIGKILL"));
    const id = await call(service, { "X-Forwarded-For": "203.0.113.9" });
    const lines = service.output().split("\n").filter(isAudit);
    expect(readEvents(lines.join("\n"))).toMatchObject([
      { partners: [{ id }], address: "203.0.113.9" },
    ]);
  });

  test("goes into the file that stdout is", async () => {
    const path = newPath();
    const command = `exec "${process.execPath}" src/main.ts > "${path}"`;
    const service = startCommand("sh", ["-c", command], settingsOf());
    onTestFinished(() => void service.child.kill("SIGKILL"));
    await expect.poll(() => readText(path), { timeout: 60_000 }).toContain('"msg":"ready"');
    const id = await call({
      waitFor: async () => matchIn(path, /"url":"(http[^"]+)","msg":"ready"/),
    });
    const lines = readFileSync(path, "utf8").split("\n").filter(isAudit);
    expect(readEvents(lines.join("\n"))).toMatchObject([{ partners: [{ id }] }]);
  });

  test("goes nowhere where it is off", async () => {
    const service = await start({ AUDIT_LOG: "off" });
    onTestFinished(async () => {
      await service.stop();
    });
    const { client } = await newBook(service);
    await createPartner(client);
    expect(service.log.filter((line) => "audit" in line)).toEqual([]);
    expect(existsSync(service.path)).toBe(false);
  });

  test("goes on in a new file on SIGHUP", async () => {
    const path = newPath();
    const service = startProcess("src/main.ts", { ...settingsOf(), AUDIT_LOG: path });
    onTestFinished(() => void service.child.kill("SIGKILL"));
    const first = await call(service);
    const old = readFileSync(path, "utf8");
    expect(readEvents(old)).toMatchObject([{ partners: [{ id: first }] }]);
    rmSync(path);
    service.child.kill("SIGHUP");
    await expect.poll(() => readText(path)).toBe("");
    const second = await call(service);
    expect(readEvents(readFileSync(path, "utf8"))).toMatchObject([{ partners: [{ id: second }] }]);
  });

  test("begins in a new file where SIGHUP came while the start waited for the database", async () => {
    const path = newPath();
    const proxy = await createTcpProxy(settingsOf().DATABASE_URL);
    onTestFinished(() => proxy.close());
    await proxy.stop();
    const settings = { ...settingsOf(), DATABASE_URL: proxy.url, AUDIT_LOG: path };
    const service = startProcess("src/main.ts", settings);
    onTestFinished(() => void service.child.kill("SIGKILL"));
    await service.waitFor(/"waiting for the database"/);
    rmSync(path);
    service.child.kill("SIGHUP");
    await proxy.start();
    const id = await call(service);
    expect(readEvents(readFileSync(path, "utf8"))).toMatchObject([{ partners: [{ id }] }]);
  });
});

function matchIn(path: string, pattern: RegExp): RegExpExecArray {
  const match = pattern.exec(readFileSync(path, "utf8"));
  if (match === null) {
    throw new Error(`${path} does not match ${pattern}.`);
  }
  return match;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
