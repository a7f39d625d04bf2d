import { randomUUID } from "node:crypto";
import { createOrm, migrate, query, run } from "@partner-service/postgres-statements";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConnectionRole, type PartnerChange } from "../gen/partner/v1/partner_service_pb.ts";
import { beginChangeEpoch } from "../src/changes/change-epoch.ts";
import {
  type ChangePosition,
  changesStatement,
  createChangeFeed,
  horizonSql,
} from "../src/changes/change-feed.ts";
import { schema } from "../src/database/open-database.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import {
  acceptInvitation,
  type BookClient,
  bookClient,
  connect,
  createPartner,
  newBook,
} from "./support/book.ts";
import { createTestDatabase, databaseKinds } from "./support/databases.ts";
import { createFollower, tell } from "./support/follower.ts";
import { failureOf } from "./support/outcome.ts";
import { newPartner } from "./support/partners.ts";
import { protocols } from "./support/protocols.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

const { signal } = new AbortController();
const asker = { key: "somebody", signal };
const expired = { code: "FailedPrecondition", reason: "CHANGE_TOKEN_EXPIRED" };
const notThisBook = {
  code: "InvalidArgument",
  reason: "FIELD_INVALID",
  violations: ["change_token: change_token"],
};

/** Changes until each of the companies has come, as they are named in what came. */
function hasCome(...names: readonly string[]) {
  return (changes: readonly PartnerChange[]) =>
    names.every((name) => changes.some((change) => tell(change) === name));
}

async function listBook(client: BookClient) {
  const partners = [];
  for (let pageToken = ""; ; ) {
    const page = await client.listPartners({ pageSize: 100, pageToken });
    partners.push(...page.partners);
    pageToken = page.nextPageToken;
    if (pageToken === "") {
      return new Map(partners.map((partner) => [partner.id, partner]));
    }
  }
}

describe.each(databaseKinds)("ListPartnerChanges on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  test.each(Object.entries(protocols))(
    "begins with the whole book, and goes on with what changes, over %s",
    async (_name, createTransport) => {
      const { client } = await newBook(service, createTransport);
      const a = await createPartner(client, { companyName: "A" });
      const b = await createPartner(client, { companyName: "B" });
      const follower = createFollower(client);
      await follower.until(hasCome("A r1", "B r1"));
      expect(follower.copy).toEqual(
        new Map([
          [a.id, a],
          [b.id, b],
        ]),
      );
      await client.updatePartner({ partner: { id: a.id, city: "Paris" } });
      await client.deletePartner({ id: b.id });
      const changes = await follower.until(hasCome("A r2", `deleted ${b.id}`));
      expect(changes.map(tell)).toEqual(["A r2", `deleted ${b.id}`]);
      expect(follower.copy).toEqual(await listBook(client));
      expect(await follower.catchUp()).toEqual([]);
    },
  );

  test("comes in pages of the size asked for, and says when there is more", async () => {
    const { client } = await newBook(service);
    const names = ["A", "B", "C", "D", "E"];
    for (const companyName of names) {
      await createPartner(client, { companyName });
    }
    await createFollower(client).until(hasCome("E r1"));
    const told = [];
    let changeToken = "";
    for (let more = true; more; ) {
      const page = await client.listPartnerChanges({ changeToken, pageSize: 2 });
      told.push({ changes: page.changes.map(tell), more: page.more });
      changeToken = page.nextChangeToken;
      more = page.more;
    }
    expect(told).toEqual([
      { changes: ["A r1", "B r1"], more: true },
      { changes: ["C r1", "D r1"], more: true },
      { changes: ["E r1"], more: false },
    ]);
  });

  test("tells of each partner at its latest change only", async () => {
    const { client } = await newBook(service);
    const { id } = await createPartner(client, { companyName: "A" });
    await createPartner(client, { companyName: "B" });
    for (const city of ["Paris", "Rome", "Oslo"]) {
      await client.updatePartner({ partner: { id, city } });
    }
    const changes = await createFollower(client).until(hasCome("A r4", "B r1"));
    expect(changes.map(tell).slice(-2)).toEqual(["B r1", "A r4"]);
  });

  test("tells of whatever changes a partner", async () => {
    const host = await newBook(service);
    const { client } = host;
    const guest = randomUUID();
    const follower = createFollower(client);
    const step = async (work: () => Promise<unknown>, ...names: string[]) => {
      await work();
      const changes = await follower.until(hasCome(...names));
      expect(changes.map(tell)).toEqual(names);
    };
    await step(
      () =>
        client.batchCreatePartners({
          requests: ["A", "B"].map((companyName) => partnerRequest({ companyName })),
        }),
      ...["A r1", "B r1"],
    );
    const [a, b] = [...follower.copy.values()];
    const id = a?.id ?? "";
    await step(() => client.updatePartner({ partner: { id, city: "Paris" } }), "A r2");
    await step(() => client.invitePartner({ id }), "A r3");
    await step(() => client.revokeInvitation({ id }), "A r4");
    let token = "";
    await step(async () => {
      token = (await client.invitePartner({ id })).invitationToken;
    }, "A r5");
    await step(() => acceptInvitation(service, guest, host.organization, token), "A r6");
    expect(follower.copy.get(id)?.guestOrganizationId).toBe(guest);
    await step(
      () => client.endConnection({ organizationId: guest, role: ConnectionRole.HOST }),
      "A r7",
    );
    await step(() => client.deletePartner({ id: b?.id ?? "" }), `deleted ${b?.id}`);
    expect(follower.copy).toEqual(await listBook(client));
    // What changes nothing is no change.
    await client.updatePartner({ partner: { id, city: "Paris" } });
    await createPartner(client, { companyName: "C" });
    expect((await follower.until(hasCome("C r1"))).map(tell)).toEqual(["C r1"]);
  });

  test("says when a partner was deleted, and not what it was", async () => {
    const { client } = await newBook(service);
    const follower = createFollower(client);
    await follower.catchUp();
    const { id } = await createPartner(client);
    await client.deletePartner({ id });
    const changes = await follower.until(hasCome(`deleted ${id}`));
    const { change } = changes.at(-1) ?? {};
    expect(change).toMatchObject({ case: "deletedPartner", value: { id } });
    expect(Object.keys(change?.value ?? {}).sort()).toEqual(["$typeName", "deletedAt", "id"]);
  });

  test("begins without what had been deleted, and tells of what is deleted on the way", async () => {
    const { client } = await newBook(service);
    const { id: before } = await createPartner(client, { companyName: "before" });
    await client.deletePartner({ id: before });
    const { id } = await createPartner(client, { companyName: "A" });
    await createPartner(client, { companyName: "B" });
    await createFollower(client).until(hasCome("B r1"));
    const first = await client.listPartnerChanges({ pageSize: 2 });
    expect(first).toMatchObject({ more: true });
    expect(first.changes.map(tell)).toEqual(["A r1"]);
    await client.deletePartner({ id });
    const follower = createFollower(client);
    follower.token = first.nextChangeToken;
    const changes = await follower.until(hasCome(`deleted ${id}`));
    expect(changes.map(tell)).toEqual(["B r1", `deleted ${id}`]);
  });

  test("is for the host of an organization too, and ends with the connection", async () => {
    const host = await newBook(service);
    const { organization: guest, client } = await newBook(service);
    await createPartner(client, { companyName: "A" });
    await connect(service, host, guest);
    const hostClient = await bookClient(service, host.organization, guest);
    const follower = createFollower(hostClient);
    await follower.until(hasCome("A r1"));
    expect(follower.copy).toEqual(await listBook(client));
    await client.endConnection({
      organizationId: host.organization,
      role: ConnectionRole.GUEST,
    });
    expect(await failureOf(follower.catchUp())).toEqual({
      code: "PermissionDenied",
      reason: "SCENARIO_NOT_ALLOWED",
    });
  });

  test("takes a token only for whom and for whose book it was made", async () => {
    const host = await newBook(service);
    const { organization: guest, client } = await newBook(service);
    await connect(service, host, guest);
    const hostClient = await bookClient(service, host.organization, guest);
    const { nextChangeToken: changeToken } = await client.listPartnerChanges({});
    await client.listPartnerChanges({ changeToken });
    expect(await failureOf(hostClient.listPartnerChanges({ changeToken }))).toEqual(notThisBook);
    expect(await failureOf(host.client.listPartnerChanges({ changeToken }))).toEqual(notThisBook);
    for (const bad of ["nonsense", changeToken.slice(0, -4), `${changeToken}!`]) {
      expect(await failureOf(client.listPartnerChanges({ changeToken: bad }))).toEqual(notThisBook);
    }
  });

  test("has a token begin anew that another secret has sealed", async () => {
    const { client } = await newBook(service);
    const { nextChangeToken } = await client.listPartnerChanges({});
    const bytes = Buffer.from(nextChangeToken, "base64url");
    bytes.writeUInt32BE((bytes.readUInt32BE(0) + 1) % 2 ** 32, 0);
    const changeToken = bytes.toString("base64url");
    expect(await failureOf(client.listPartnerChanges({ changeToken }))).toEqual(expired);
  });

  test("refuses a token when deleted partners are forgotten that came after it", async () => {
    const { organization, client } = await newBook(service);
    await createPartner(client, { companyName: "A" });
    const follower = createFollower(client);
    await follower.until(hasCome("A r1"));
    const early = follower.token;
    const { id } = await createPartner(client, { companyName: "B" });
    await client.deletePartner({ id });
    await follower.until(hasCome(`deleted ${id}`));
    const ofBook = `organization_id = '${organization}' and deleted_at is not null`;
    await service.execute(
      `update partner set deleted_at = now() - interval '91 days' where ${ofBook}`,
    );
    expect(await service.purge(90)).toBe(1);
    expect(await failureOf(client.listPartnerChanges({ changeToken: early }))).toEqual(expired);
    // Who knew of them already, and who begins now, misses nothing.
    expect(await follower.catchUp()).toEqual([]);
    const anew = createFollower(client, 1);
    await anew.until(hasCome("A r1"));
    expect(anew.copy).toEqual(await listBook(client));
    expect(await anew.catchUp()).toEqual([]);
  });

  test("coerces a page size above the greatest, and refuses one below 0", async () => {
    const { client } = await newBook(service);
    await client.listPartnerChanges({ pageSize: 2_000_000_000 });
    expect(await failureOf(client.listPartnerChanges({ pageSize: -1 }))).toMatchObject({
      violations: ["page_size: int32.gte"],
    });
  });

  test("keeps a page within what clients of gRPC take, whatever its partners hold", async () => {
    const { client } = await newBook(service, protocols["gRPC, HTTP/2"]);
    const long = partnerRequest({
      companyName: "€".repeat(100),
      frequency: "€".repeat(30),
      paymentTerms: "€".repeat(50),
      address: "€".repeat(500),
      city: "€".repeat(100),
      state: "€".repeat(100),
      postalCode: "€".repeat(30),
      companyRegistrationNumber: "€".repeat(255),
    });
    for (let count = 0; count < 800; count += 100) {
      await client.batchCreatePartners({ requests: Array.from({ length: 100 }, () => long) });
    }
    const sizes = [];
    let changeToken = "";
    while (sizes.reduce((sum, size) => sum + size, 0) < 800) {
      const page = await client.listPartnerChanges({ changeToken, pageSize: 1000 });
      sizes.push(page.changes.length);
      changeToken = page.nextChangeToken;
    }
    expect(sizes.filter((size) => size > 0).length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeGreaterThan(300);
  });
});

describe.each(databaseKinds)("The feed of changes on %s", (kind) => {
  test("begins with partners that were there before there was a feed", async () => {
    await using database = await createTestDatabase(kind);
    await using orm = await createOrm(database.settings, schema);
    const [first, second] = [newPartner(), newPartner()];
    const organizationId = first.organizationId;
    const partners = createPartnerRepository(orm);
    const early = await partners.create(first, signal);
    await orm.migrator.down({ to: "0004-partner-connections" });
    expect(await query(orm, "select to_regclass('change_epoch') as name", [])).toEqual([
      { name: null },
    ]);
    await migrate(orm);
    const late = await partners.create({ ...second, organizationId }, signal);
    const { listChanges } = createChangeFeed(orm);
    const page = await until(
      () => listChanges({ organizationId, after: undefined, pageSize: 10 }, asker),
      (found) => found.partners.length === 2,
    );
    expect(page.partners.map(({ id }) => id)).toEqual([early.id, late.id]);
    expect(page.more).toBe(false);
  });

  test("is told nothing of by a horizon that the server has not reached, as after a crash", async () => {
    await using database = await createTestDatabase(kind);
    await using orm = await createOrm(database.settings, schema);
    const { organizationId, id } = await createPartnerRepository(orm).create(newPartner(), signal);
    const idsBefore = async (horizon: unknown) => {
      const from = [organizationId, "0", "00000000-0000-0000-0000-000000000000"];
      return await run(orm, changesStatement("partner", "id", [...from, horizon], 100));
    };
    const [own] = await until(
      () => query(orm, horizonSql, []),
      async ([server]) => (await idsBefore(server?.horizon)).length > 0,
    );
    expect(await idsBefore(own?.horizon)).toEqual([{ id }]);
    expect(await idsBefore(BigInt(String(own?.horizon)) + 1_000_000n)).toEqual([]);
  });

  test("stops when the database has come from another server, until a new epoch begins", async () => {
    await using database = await createTestDatabase(kind);
    await using orm = await createOrm(database.settings, schema);
    const partners = createPartnerRepository(orm);
    const partner = await partners.create(newPartner(), signal);
    const { organizationId } = partner;
    const { listChanges } = createChangeFeed(orm);
    const list = (after?: ChangePosition) =>
      listChanges({ organizationId, after, pageSize: 10 }, asker);
    const { position } = await until(list, (found) => found.partners.length === 1);
    expect(await beginChangeEpoch(orm)).toBe(false);
    // What a dump brings: the changes of a server that had counted further.
    await query(orm, "update change_epoch set system_identifier = '1'", []);
    await query(orm, "update partner set change = change + 1000000000", []);
    await expect(list(position)).rejects.toThrow("npm run migrate");
    await expect(list()).rejects.toThrow("npm run migrate");
    expect(await beginChangeEpoch(orm)).toBe(true);
    await expect(list(position)).rejects.toMatchObject({ name: "PartnerError" });
    expect((await list()).partners).toMatchObject([{ id: partner.id }]);
    await partners.delete({ ...partner, revision: undefined }, asker);
    const next = await until(list, (found) => found.partners.length === 0);
    expect(next.more).toBe(false);
  });
});

test.each(databaseKinds)(
  "The feed of changes refuses a token once a dump has been restored, on %s",
  async (kind) => {
    await using database = await createTestDatabase(kind);
    await using orm = await createOrm(database.settings, schema);
    const partners = createPartnerRepository(orm);
    const { organizationId, id } = await partners.create(newPartner(), signal);
    const { listChanges } = createChangeFeed(orm);
    const list = (after?: ChangePosition) =>
      listChanges({ organizationId, after, pageSize: 10 }, asker);
    const { position } = await until(list, (found) => found.partners.length === 1);
    expect((await list(position)).partners).toEqual([]);
    // On the same server, into the same database: the rows are back, in a table that is made anew.
    await query(orm, "create table restored (like partner including all)", []);
    await query(orm, "insert into restored select * from partner", []);
    await query(orm, "drop table partner", []);
    await query(orm, "alter table restored rename to partner", []);
    await expect(list(position)).rejects.toMatchObject({ name: "PartnerError" });
    expect((await list()).partners).toMatchObject([{ id }]);
  },
);

describe("The feed of changes", () => {
  test("holds back what is committed while older transactions are open, and misses none", async () => {
    const service = await startTestService("postgresql");
    const { databaseUrl } = service.databaseSettings as { databaseUrl: string };
    const { organization, client } = await newBook(service);
    const names = ["A", "B", "C"];
    const ids = new Map<string, string>();
    for (const companyName of names) {
      ids.set(companyName, (await createPartner(client, { companyName })).id);
    }
    const follower = createFollower(client);
    await follower.until(hasCome("A r1", "B r1", "C r1"));
    const open = async () => {
      const connection = new pg.Client(databaseUrl);
      await connection.connect();
      await connection.query("begin");
      return connection;
    };
    const write = (connection: pg.Client, name: string) =>
      connection.query(
        `update partner set city = 'Oslo', revision = revision + 1, change = default
          where organization_id = $1 and id = $2`,
        [organization, ids.get(name)],
      );
    const [older, younger] = [await open(), await open()];
    await write(older, "A");
    await write(younger, "B");
    await younger.query("commit");
    await client.updatePartner({ partner: { id: ids.get("C") ?? "", city: "Oslo" } });
    // B and C are committed. The token would pass A by if they came now.
    for (let count = 0; count < 3; count += 1) {
      expect(await follower.catchUp()).toEqual([]);
    }
    await older.query("commit");
    const changes = await follower.until(hasCome("A r2", "B r2", "C r2"));
    expect(changes.map(tell)).toEqual(["A r2", "B r2", "C r2"]);
    // One that is rolled back holds nothing up for good.
    const third = await open();
    await write(third, "A");
    await createPartner(client, { companyName: "D" });
    expect(await follower.catchUp()).toEqual([]);
    await third.query("rollback");
    expect((await follower.until(hasCome("D r1"))).map(tell)).toEqual(["D r1"]);
    for (const connection of [older, younger, third]) {
      await connection.end();
    }
    await service.close();
  });
});

/** What a read comes to that other tests' transactions may hold up. */
async function until<T>(
  read: () => Promise<T>,
  isEnough: (found: T) => boolean | Promise<boolean>,
): Promise<T> {
  for (;;) {
    const found = await read();
    if (await isEnough(found)) {
      return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
