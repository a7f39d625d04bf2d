import { randomUUID } from "node:crypto";
import { ConnectError } from "@connectrpc/connect";
import { createOrm, type Orm } from "@partner-service/postgres-statements";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { schema } from "../src/database/open-database.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { type BookClient, bookClient, createPartner, newBook } from "./support/book.ts";
import { createPgliteDatabase, createPostgresDatabase } from "./support/databases.ts";
import { findWaiting, lockPartners } from "./support/locks.ts";
import { newPartner } from "./support/partners.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

const id = randomUUID();
const invitationToken = Buffer.alloc(48).toString("base64url");

type Calls = Readonly<Record<string, (client: BookClient) => Promise<unknown>>>;

/** What has statements of its own, and is no list that may read much of a book. */
const ownCalls: Calls = {
  "CreatePartner that is only checked": (client) =>
    client.createPartner({ ...partnerRequest(), validateOnly: true }),
  BatchCreatePartners: (client) => client.batchCreatePartners({ requests: [partnerRequest()] }),
  "BatchCreatePartners in part": (client) =>
    client.batchCreatePartners({ requests: [partnerRequest()], allowPartial: true }),
  ListPartners: (client) => client.listPartners({}),
  ListPartnerChanges: (client) => client.listPartnerChanges({}),
  UpdatePartner: (client) => client.updatePartner({ partner: { id, city: "Paris" } }),
  DeletePartner: (client) => client.deletePartner({ id }),
  InvitePartner: (client) => client.invitePartner({ id }),
  RevokeInvitation: (client) => client.revokeInvitation({ id }),
  ListConnections: (client) => client.listConnections({}),
  EndConnection: (client) => client.endConnection({ organizationId: id, role: 1 }),
};

/** The same of those who call for another organization. */
const callsForOthers: Calls = {
  "GetPartner, whose connection is looked for,": (client) => client.getPartner({ id }),
  GetInvitation: (client) => client.getInvitation({ invitationToken }),
  AcceptInvitation: (client) => client.acceptInvitation({ invitationToken }),
};

describe("Whatever one requester asks for", () => {
  let service: TestService;
  let holder: Orm;

  beforeAll(async () => {
    const database = await createPostgresDatabase();
    // However busy the machine is, what waits for a lock is there when the test looks.
    const settings = { ...database.settings, statementTimeoutMs: 0 };
    service = await startTestService({ ...database, settings });
    holder = await createOrm(settings, schema);
  });
  afterAll(async () => {
    await holder?.close(true);
    await service?.close();
  });

  /** How many of the service's statements wait for a lock. */
  const blocked = async () => (await findWaiting(holder)).length;

  test("others' calls are answered while 64 updates of one partner wait for its row", async () => {
    const [one, other] = [await newBook(service), await newBook(service)];
    const { id } = await createPartner(one.client);
    const leaving = new AbortController();
    const em = holder.em.fork();
    await em.begin();
    onTestFinished(() => em.rollback());
    await em.execute("select 1 from partner where id = ? for update", [id]);
    const updates = Array.from({ length: 64 }, () =>
      one.client
        .updatePartner({ partner: { id, city: "Paris" } }, { signal: leaving.signal })
        .catch(ConnectError.from),
    );
    await expect.poll(blocked).toBeGreaterThanOrEqual(4);

    const { client } = other;
    const partner = await createPartner(client);
    expect(await client.getPartner({ id: partner.id })).toMatchObject({ partner });
    const changes = { id: partner.id, city: "Oslo" };
    expect(await client.updatePartner({ partner: changes })).toMatchObject({ partner: changes });
    expect(await client.invitePartner({ id: partner.id })).toMatchObject({ partner: changes });
    const requests = [partnerRequest(), partnerRequest()];
    expect((await client.batchCreatePartners({ requests })).partners).toHaveLength(2);
    expect((await client.listPartners({ filters: { text: "e" } })).partners).toHaveLength(3);
    expect((await client.listPartnerChanges({})).more).toBe(false);
    expect((await client.listConnections({})).connections).toEqual([]);
    expect(await client.deletePartner({ id: partner.id })).toMatchObject({});
    // Half of the eight that are not kept for creates and gets.
    expect(await blocked()).toBe(4);
    leaving.abort();
    await Promise.all(updates);
  });

  test.each(Object.entries(ownCalls))("%s leaves connections to others", async (_rpc, call) => {
    const [one, other] = [await newBook(service), await newBook(service)];
    await leavesConnections(call, one.client, other.client);
  });

  test.each(Object.entries(callsForOthers))(
    "%s leaves connections to others",
    async (_rpc, call) => {
      const [one, other] = [randomUUID(), randomUUID()];
      const clients = [
        await bookClient(service, one, other),
        await bookClient(service, other, one),
      ] as const;
      await leavesConnections(call, ...clients);
    },
  );

  /** While all statements hang, one has four of them, and another its own beside. */
  async function leavesConnections(
    call: (client: BookClient) => Promise<unknown>,
    one: BookClient,
    other: BookClient,
  ): Promise<void> {
    const creating = await newBook(service);
    const lock = await lockPartners(service.databaseSettings);
    onTestFinished(() => lock.release());
    const made: Promise<unknown>[] = [];
    // They fail where they wait for too long: only what they do counts here.
    const begin = (promise: Promise<unknown>) => made.push(promise.catch(ConnectError.from));
    for (let count = 0; count < 12; count += 1) {
      begin(call(one));
    }
    await lock.awaited(4);
    begin(call(other));
    await lock.awaited(5);
    begin(createPartner(creating.client));
    await lock.awaited(6);
    begin(creating.client.getPartner({ id }));
    await lock.awaited(7);
    expect(await blocked()).toBe(7);
    await lock.release();
    await Promise.all(made);
  }
});

test("On PGlite, which does one thing after the other, an update waits for one of another requester at most", async () => {
  const database = await createPgliteDatabase();
  const orm = await createOrm(database.settings, schema);
  const partners = createPartnerRepository(orm);
  const { signal } = new AbortController();
  const one = await partners.create(newPartner(), signal);
  const other = await partners.create(newPartner(), signal);
  const answered: string[] = [];
  const update = async (partner: typeof one, name: string) => {
    const asker = { key: partner.organizationId, signal };
    await partners.update({ ...partner, revision: undefined }, { city: name }, asker);
    answered.push(name);
  };
  const updates = ["a1", "a2", "a3", "a4"].map((name) => update(one, name));
  await Promise.all([...updates, update(other, "b1")]);
  expect(answered).toEqual(["a1", "b1", "a2", "a3", "a4"]);
  await orm.close(true);
  await database.close();
});
