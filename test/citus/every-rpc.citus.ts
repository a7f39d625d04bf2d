import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, ConnectError } from "@connectrpc/connect";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ListPartnersRequestSchema,
  PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { bookClient } from "../support/book.ts";
import { createPostgresDatabase } from "../support/databases.ts";
import { describeFailure } from "../support/outcome.ts";
import { startProcess } from "../support/process.ts";
import { partnerRequest } from "../support/requests.ts";
import { startTestService, type TestService } from "../support/service.ts";

const { CITUS_URL: citusUrl = "" } = process.env;
const skipped = citusUrl === "" ? " – SKIPPED, CITUS_URL names no coordinator" : "";

type PartnerClient = Client<typeof PartnerService>;

describe.skipIf(citusUrl === "")(`on Citus${skipped}`, () => {
  let onCitus: TestService;
  let onPostgres: TestService;

  async function migrate(): Promise<string> {
    const { output, ended } = startProcess("scripts/migrate.ts", { DATABASE_URL: citusUrl }, [
      "--distribute",
    ]);
    expect({ code: await ended(), output: output() }).toMatchObject({ code: 0 });
    return output();
  }

  beforeAll(async () => {
    await migrate();
    onCitus = await startTestService({
      settings: { databaseUrl: citusUrl },
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    });
    onPostgres = await startTestService(await createPostgresDatabase());
  });
  afterAll(async () => {
    await onCitus?.close();
    await onPostgres?.close();
  });

  test("what has been distributed stays, and each table is said", async () => {
    const [first, ...lines] = (await migrate()).trim().split("\n");
    expect(first).toBe("nothing to apply");
    const tables = ["change_epoch", "mikro_orm_migrations", "partner", "partner_purge"];
    expect(lines.sort()).toEqual(tables.map((table) => `${table} has been distributed before`));
  });

  test("a migration by way of a worker is refused, and makes no table", async () => {
    const workers = await rows(
      `select nodename, nodeport from pg_dist_node where groupid > 0 and noderole = 'primary'`,
    );
    for (const { nodename, nodeport } of workers) {
      const url = new URL(citusUrl);
      url.hostname = nodename;
      url.port = nodeport;
      const { output, ended } = startProcess("scripts/migrate.ts", { DATABASE_URL: url.href });
      expect({ code: await ended(), output: output() }).toEqual({
        code: 1,
        output: "DATABASE_URL leads to a worker of Citus: migrate by way of the coordinator.\n",
      });
    }
    expect(workers.length).toBeGreaterThan(0);
  });

  test("every RPC answers as on PostgreSQL", async () => {
    const expected = await callEverything(onPostgres);
    expect(await callEverything(onCitus)).toEqual(expected);
    const called = new Set(expected.map(({ call }) => call.split(" ", 1)[0]));
    const methods = Object.keys(PartnerService.method);
    expect(methods.filter((name) => !called.has(name) && name !== "watchPartnerChanges")).toEqual(
      [],
    );
  });

  test("creates and finds of many organizations at once are done by organization", async () => {
    const organizations = Array.from({ length: 64 }, () => randomUUID());
    const clients = await Promise.all(organizations.map((each) => bookClient(onCitus, each)));
    const created = await Promise.all(
      [...clients, ...clients].map((client) => client.createPartner(partnerRequest())),
    );
    const ids = created.map(({ partner }) => String(partner?.id));
    const found = await Promise.all(
      [...clients, ...clients].map((client, index) =>
        client.getPartner({ id: String(ids[index]) }),
      ),
    );
    expect(found.map(({ partner }) => partner)).toEqual(created.map(({ partner }) => partner));
    expect(new Set(ids).size).toBe(2 * organizations.length);
  });

  test("deleted partners of many organizations are forgotten, each where it lies", async () => {
    const organizations = Array.from({ length: 32 }, () => randomUUID());
    for (const organization of organizations) {
      const client = await bookClient(onCitus, organization);
      const { partner } = await client.createPartner(partnerRequest());
      await client.deletePartner({ id: String(partner?.id) });
    }
    const ofThese = `organization_id in ('${organizations.join("', '")}')`;
    await onCitus.execute(
      `update partner set deleted_at = now() - interval '91 days' where ${ofThese}`,
    );
    const left = async () => (await rows(`select 1 from partner where ${ofThese}`)).length;
    while ((await left()) > 0) {
      await onCitus.purge(90);
    }
    const noted = `select 1 from partner_purge where ${ofThese} and change > 0`;
    expect((await rows(noted)).length).toBe(organizations.length);
    expect(await onCitus.purge(90)).toBe(0);
  });

  async function rows(sql: string) {
    const client = new pg.Client({ connectionString: citusUrl });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }
});

/** Makes the same calls of every RPC, and answers what came of each, but for what differs each time. */
async function callEverything(service: TestService) {
  const [host, guest, stranger] = [randomUUID(), randomUUID(), randomUUID()];
  const client = await bookClient(service, host);
  const asGuest = await bookClient(service, guest, host);
  const ofGuest = await bookClient(service, guest);
  const asStranger = await bookClient(service, stranger, host);
  const told: { readonly call: string; readonly outcome: unknown }[] = [];
  /** What differs each time, by where it was met first. */
  const names = new Map<string, string>();

  function plain(value: unknown): unknown {
    return JSON.parse(
      JSON.stringify(value, (key, each) => {
        if (typeof each === "bigint") {
          return String(each);
        }
        if (/At$/.test(key) && typeof each === "object") {
          return "a time";
        }
        if (/(T|_t)oken$|^epoch$/.test(key)) {
          return each === "" ? "" : "a token";
        }
        return typeof each === "string" && /^[\da-f]{8}-/.test(each)
          ? (names.get(each) ?? names.set(each, `id ${names.size}`).get(each))
          : each;
      }),
    );
  }

  async function call<Answer>(name: string, work: () => Promise<Answer>) {
    try {
      const answer = await work();
      told.push({ call: name, outcome: plain(answer) });
      return answer;
    } catch (failure) {
      if (!(failure instanceof ConnectError)) {
        throw failure;
      }
      told.push({ call: name, outcome: plain(describeFailure(failure)) });
      return undefined;
    }
  }

  const requestId = randomUUID();
  const first = await call("createPartner", () =>
    client.createPartner(partnerRequest({ requestId, companyName: "Müller" })),
  );
  await call("createPartner again", () =>
    client.createPartner(partnerRequest({ requestId, companyName: "Müller" })),
  );
  await call("createPartner other", () => client.createPartner(partnerRequest({ requestId })));
  const id = String(first?.partner?.id);
  const batchId = randomUUID();
  const requests = ["a", "b", "c"].map((companyName) => partnerRequest({ companyName }));
  const batch = { requests, requestId: batchId };
  const second = await call("batchCreatePartners", () => client.batchCreatePartners(batch));
  await call("batchCreatePartners again", () => client.batchCreatePartners(batch));
  await call("batchCreatePartners other", () =>
    client.batchCreatePartners({ ...batch, requests: requests.slice(1) }),
  );
  const otherId = String(second?.partners[0]?.id);
  await call("getPartner", () => client.getPartner({ id }));
  await call("getPartner none", () => client.getPartner({ id: randomUUID() }));
  const lists: MessageInitShape<typeof ListPartnersRequestSchema>[] = [
    { pageSize: 2, includeTotalSize: true },
    { filters: { text: "ÜLL" } },
    { filters: { ids: [id, otherId] } },
    { order: { field: 1 } },
    { order: { field: 2, direction: 2 } },
  ];
  for (const [index, request] of lists.entries()) {
    const page = await call(`listPartners ${index}`, () => client.listPartners(request));
    if (page?.nextPageToken) {
      const { nextPageToken: pageToken } = page;
      await call("listPartners next", () => client.listPartners({ ...request, pageToken }));
    }
  }
  await call("updatePartner", () => client.updatePartner({ partner: { id, city: "Bern" } }));
  await call("updatePartner same", () => client.updatePartner({ partner: { id, city: "Bern" } }));
  await call("updatePartner stale", () =>
    client.updatePartner({ partner: { id, city: "Genf", etag: String(first?.partner?.etag) } }),
  );
  const invited = await call("invitePartner", () => client.invitePartner({ id }));
  await call("revokeInvitation", () => client.revokeInvitation({ id }));
  await call("revokeInvitation again", () => client.revokeInvitation({ id }));
  const invitation = { invitationToken: String(invited?.invitationToken) };
  await call("acceptInvitation revoked", () => asGuest.acceptInvitation(invitation));
  const anew = await call("invitePartner anew", () => client.invitePartner({ id }));
  const token = { invitationToken: String(anew?.invitationToken) };
  await call("getInvitation", () => asGuest.getInvitation(token));
  await call("acceptInvitation", () => asGuest.acceptInvitation(token));
  await call("acceptInvitation again", () => asGuest.acceptInvitation(token));
  await call("acceptInvitation taken", () => asStranger.acceptInvitation(token));
  const other = await call("invitePartner other", () => client.invitePartner({ id: otherId }));
  await call("acceptInvitation twice", () =>
    asGuest.acceptInvitation({ invitationToken: String(other?.invitationToken) }),
  );
  await conflictOfTypes(client, id, otherId, call);
  await call("listConnections", () => client.listConnections({}));
  await call("listConnections guest", () => ofGuest.listConnections({}));
  await call("endConnection", () => client.endConnection({ organizationId: guest, role: 1 }));
  await call("endConnection again", () => client.endConnection({ organizationId: guest, role: 1 }));
  await call("deletePartner", () => client.deletePartner({ id }));
  await call("deletePartner again", () => client.deletePartner({ id }));
  await call("getPartner deleted", () => client.getPartner({ id }));
  const changes = await call("listPartnerChanges", () =>
    client.listPartnerChanges({ pageSize: 2 }),
  );
  await call("listPartnerChanges next", () =>
    client.listPartnerChanges({ changeToken: String(changes?.nextChangeToken) }),
  );
  return told;
}

/** A change of type that would make one guest two partners of one type. */
async function conflictOfTypes(
  client: PartnerClient,
  id: string,
  otherId: string,
  call: <Answer>(name: string, work: () => Promise<Answer>) => Promise<Answer | undefined>,
): Promise<void> {
  const { partner } = await client.getPartner({ id });
  const { partner: other } = await client.getPartner({ id: otherId });
  if (partner?.guestOrganizationId !== undefined && other !== undefined) {
    await call("updatePartner type", () =>
      client.updatePartner({ partner: { id, partnerType: partner.partnerType === 1 ? 2 : 1 } }),
    );
  }
}
