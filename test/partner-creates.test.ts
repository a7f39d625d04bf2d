import { randomUUID } from "node:crypto";
import {
  createOrm,
  type JoiningLimits,
  type Orm,
  query,
} from "@partner-service/postgres-statements";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ErrorReason } from "../gen/partner/v1/error_pb.ts";
import { schema } from "../src/database/open-database.ts";
import { PartnerEntity } from "../src/partners/partner-entity.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import {
  createPostgresDatabase,
  createTestDatabase,
  databaseKinds,
  type TestDatabase,
} from "./support/databases.ts";
import { lockPartners } from "./support/locks.ts";
import { newPartner } from "./support/partners.ts";
import { createTcpProxy } from "./support/tcp-proxy.ts";

const { signal } = new AbortController();
const asker = { key: "somebody", signal };

const oneStatement: JoiningLimits = {
  statements: 1,
  callsPerStatement: 1000,
  waiting: 1000,
  waitMs: 60_000,
};

/** How many statements the partners of an organization were stored by: each is a transaction. */
async function countStatements(orm: Orm, organizationId: string): Promise<unknown> {
  const sql = `select count(distinct xmin::text)::int as count from partner
    where organization_id = $1`;
  return (await query(orm, sql, [organizationId]))[0]?.count;
}

const countIn = async (orm: Orm, organizationId: string) =>
  await orm.em.fork().count(PartnerEntity, { organizationId });

describe.each(databaseKinds)("Creates that are made at once on %s", (kind) => {
  let database: TestDatabase;
  let orm: Orm;
  let organizationId: string;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    orm = await createOrm(database.settings, schema);
  });
  beforeEach(() => {
    organizationId = randomUUID();
  });
  afterAll(async () => {
    await orm.close(true);
    await database.close();
  });

  test("stores with one statement what is created at once, and answers each call with its own", async () => {
    const repository = createPartnerRepository(orm);
    const given = Array.from({ length: 20 }, (_, n) =>
      newPartner({ organizationId, companyName: `Company ${n}`, salesAmount: n }),
    );
    const partners = await Promise.all(given.map((each) => repository.create(each, signal)));
    expect(partners).toMatchObject(given);
    expect(await countStatements(orm, organizationId)).toBe(1);
    const stored = await orm.em
      .fork()
      .find(PartnerEntity, { organizationId }, { orderBy: { id: 1 } });
    expect(stored.map((each) => ({ ...each }))).toEqual(partners);
  });

  test("stores all rows of a statement but the bad ones, whose calls alone fail", async () => {
    const repository = createPartnerRepository(orm);
    const given = Array.from({ length: 20 }, () => newPartner({ organizationId }));
    given[3] = newPartner({ organizationId, city: "" });
    given[4] = newPartner({ organizationId, salesAmount: 2 ** 31 });
    given[19] = newPartner({ organizationId, state: "\0" });
    const outcomes = await Promise.allSettled(given.map((each) => repository.create(each, signal)));
    const failures = outcomes.map((outcome) =>
      outcome.status === "rejected" ? outcome.reason.sqlState : "",
    );
    expect(failures).toEqual(
      given.map((_, n) => ({ 3: "23514", 4: "22003", 19: "22P05" })[n] ?? ""),
    );
    expect(await countIn(orm, organizationId)).toBe(17);
  });

  test("never alters a text: it refuses the one that cannot be stored", async () => {
    const repository = createPartnerRepository(orm);
    const unpaired = repository.create(newPartner({ organizationId, city: "\ud800" }), signal);
    await expect(unpaired).rejects.toMatchObject({ name: "DatabaseError" });
    const address = "\ufeff \u2028 \u2029 \\u0041 \" ' \u0001\u007f\ufffe\u{10ffff}";
    expect(await repository.create(newPartner({ organizationId, address }), signal)).toMatchObject({
      address,
    });
    // As bytes: PGlite's driver drops a U+FEFF at the beginning of a text that it reads.
    const sql = `select encode(convert_to(address, 'UTF8'), 'hex') as bytes from partner
      where organization_id = $1`;
    expect(await query(orm, sql, [organizationId])).toEqual([
      { bytes: Buffer.from(address).toString("hex") },
    ]);
  });

  test("takes a request id once within a statement", async () => {
    const repository = createPartnerRepository(orm, oneStatement);
    const requestId = randomUUID();
    const [ours, again, others] = await Promise.all(
      [organizationId, organizationId, randomUUID()].map((organization) =>
        repository.create(newPartner({ organizationId: organization, requestId }), signal),
      ),
    );
    expect(again).toEqual(ours);
    expect(others?.id).not.toBe(ours?.id);
    expect(await countIn(orm, organizationId)).toBe(1);
  });

  test("answers the calls of one statement with one request id by their content", async () => {
    const repository = createPartnerRepository(orm);
    const requestId = randomUUID();
    const outcomes = await Promise.allSettled(
      ["Boston", "Boston", "Albany", "Boston"].map((city) =>
        repository.create(newPartner({ organizationId, requestId, city }), signal),
      ),
    );
    const [first] = outcomes;
    const reused = {
      status: "rejected",
      reason: {
        name: "PartnerError",
        reason: ErrorReason.REQUEST_ID_REUSED,
        facts: { metadata: { request_id: requestId } },
      },
    };
    expect(first).toMatchObject({ status: "fulfilled", value: { city: "Boston" } });
    expect(outcomes).toMatchObject([first, first, reused, first]);
    expect(await countIn(orm, organizationId)).toBe(1);
  });

  test("stores nothing for a call that ends in the turn in which it came", async () => {
    const repository = createPartnerRepository(orm);
    const caller = new AbortController();
    const reason = new Error("gone");
    const left = repository.create(newPartner({ organizationId }), caller.signal);
    const other = repository.create(newPartner({ organizationId }), signal);
    caller.abort(reason);
    await expect(left).rejects.toBe(reason);
    await other;
    expect(await countIn(orm, organizationId)).toBe(1);
  });

  test("tries all rows of a statement again that the database gave up on", async () => {
    await using own = await createTestDatabase(kind);
    await using conflicting = await createOrm(own.settings, schema);
    // A sequence moves on even where the transaction is rolled back: the first statement fails.
    for (const sql of [
      "create sequence tries",
      `create function fail_once() returns trigger language plpgsql as $$ begin
         if nextval('tries') = 1 then raise exception using errcode = '40001'; end if;
         return null;
       end $$`,
      "create trigger fail_once before insert on partner for each statement execute function fail_once()",
    ]) {
      await query(conflicting, sql, []);
    }
    const repository = createPartnerRepository(conflicting);
    const given = Array.from({ length: 5 }, () => newPartner({ organizationId }));
    const partners = await Promise.all(given.map((each) => repository.create(each, signal)));
    expect(partners).toMatchObject(given);
    expect(await countIn(conflicting, organizationId)).toBe(5);
  });
});

describe("Creates that are made at once", () => {
  test("sends what came while a statement was under way with the next, without those who left", async () => {
    await using database = await createPostgresDatabase();
    await using orm = await createOrm(database.settings, schema);
    const repository = createPartnerRepository(orm, oneStatement);
    const organizationId = randomUUID();
    const add = (itsSignal: AbortSignal) =>
      repository.create(newPartner({ organizationId }), itsSignal);
    const caller = new AbortController();
    const lock = await lockPartners(database.settings);
    const first = add(signal);
    await lock.awaited();
    const later = Promise.all(Array.from({ length: 10 }, () => add(signal)));
    const left = expect(add(caller.signal)).rejects.toThrow("gone");
    caller.abort(new Error("gone"));
    await lock.release();
    await left;
    expect(await Promise.all([first, later])).toMatchObject([{}, Array(10).fill({})]);
    expect(await countIn(orm, organizationId)).toBe(11);
    expect(await countStatements(orm, organizationId)).toBe(2);
  });

  test("doubles no row of a statement whose answer is lost", async () => {
    await using database = await createPostgresDatabase();
    const proxy = await createTcpProxy(database.settings.databaseUrl);
    const orm = await createOrm({ databaseUrl: proxy.url }, schema);
    const repository = createPartnerRepository(orm);
    const organizationId = randomUUID();
    proxy.loseAnswerTo("insert into");
    const given = [null, randomUUID(), null].map((requestId) =>
      newPartner({ organizationId, requestId }),
    );
    const partners = await Promise.all(given.map((each) => repository.create(each, signal)));
    expect(partners).toMatchObject(given);
    expect(await countIn(orm, organizationId)).toBe(3);
    await orm.close(true);
    await proxy.close();
  });

  test("answers what it created where its answer is lost and the partner is deleted meanwhile", async () => {
    await using database = await createPostgresDatabase();
    const proxy = await createTcpProxy(database.settings.databaseUrl);
    const orm = await createOrm({ databaseUrl: proxy.url }, schema);
    const repository = createPartnerRepository(orm);
    // Each partner is gone as soon as it is there.
    for (const sql of [
      `create function erase() returns trigger language plpgsql as $$ begin
         update partner set deleted_at = now(), city = '-' where id = new.id;
         return null;
       end $$`,
      "create trigger erase after insert on partner for each row execute function erase()",
    ]) {
      await query(orm, sql, []);
    }
    const organizationId = randomUUID();
    const given = newPartner({ organizationId, requestId: randomUUID() });
    proxy.loseAnswerTo("insert into");
    expect(await repository.create(given, signal)).toMatchObject({ ...given, deletedAt: null });

    const requestIds = [randomUUID(), randomUUID()];
    const batch = {
      newPartners: requestIds.map((requestId) => ({ ...given, requestId })),
      requestId: String(requestIds[0]),
    };
    proxy.loseAnswerTo("insert into");
    const { city } = given;
    expect(await repository.createBatch(batch, asker)).toMatchObject([
      { city, deletedAt: null },
      { city, deletedAt: null },
    ]);
    expect(await countIn(orm, organizationId)).toBe(3);
    await orm.close(true);
    await proxy.close();
  });

  test("fails as a whole, with one statement, where it is the statement that is wrong", async () => {
    await using database = await createPostgresDatabase();
    await using orm = await createOrm(database.settings, schema);
    // A sequence moves on even where the transaction is rolled back.
    for (const sql of [
      "create sequence statements",
      `create function refuse() returns trigger language plpgsql as $$ begin
         perform nextval('statements');
         raise exception using errcode = '42703';
       end $$`,
      "create trigger refuse before insert on partner for each statement execute function refuse()",
    ]) {
      await query(orm, sql, []);
    }
    const repository = createPartnerRepository(orm, oneStatement);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 32 }, () => repository.create(newPartner(), signal)),
    );
    const failed = { status: "rejected", reason: { name: "DatabaseError", sqlState: "42703" } };
    expect(outcomes).toMatchObject(Array(32).fill(failed));
    expect(await query(orm, "select last_value::int as count from statements", [])).toEqual([
      { count: 1 },
    ]);
  });
});
