import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { createOrm, type Orm, query } from "@partner-service/postgres-statements";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { schema } from "../src/database/open-database.ts";
import { purgeStep } from "../src/partners/partner-purge.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { purgeWhileIdle } from "../src/processes/purging.ts";
import {
  createPostgresDatabase,
  createTestDatabase,
  databaseKinds,
  type TestDatabase,
} from "./support/databases.ts";
import { newPartner } from "./support/partners.ts";
import { startProcess } from "./support/process.ts";

const { signal } = new AbortController();
const asker = { key: "somebody", signal };
const retentionDays = 90;
const soon = { firstMs: 1, everyMs: 1, restMs: 5 };

/** Has all deletions of the database be as old, and made by the transaction. */
async function age(orm: Orm, interval: string, change = 1): Promise<void> {
  await query(
    orm,
    `update partner set deleted_at = now() - $1::interval, change = $2 where deleted_at is not null`,
    [interval, change],
  );
}

async function countRows(orm: Orm, condition = "true"): Promise<unknown> {
  const [row] = await query(
    orm,
    `select count(*)::int4 as count from partner where ${condition}`,
    [],
  );
  return row?.count;
}

/** Makes so many deleted partners, of so many books, as old as they can be forgotten. */
async function makeTombstones(orm: Orm, count: number, books: number): Promise<void> {
  const partner = await createPartnerRepository(orm).create(newPartner(), signal);
  const columns = (
    await query(
      orm,
      "select column_name as name from information_schema.columns where table_name = 'partner'",
      [],
    )
  ).map(({ name }) => String(name));
  const own: Record<string, string> = {
    organization_id: "md5((n % $3)::text)::uuid",
    id: "gen_random_uuid()",
    deleted_at: "now() - interval '91 days'",
    change: "n % 100 + 1",
  };
  await query(
    orm,
    `insert into partner (${columns.join(", ")})
      select ${columns.map((name) => own[name] ?? `p.${name}`).join(", ")}
      from partner as p, generate_series(1, $2::int4) as n where p.id = $1`,
    [partner.id, count, books],
  );
}

describe.each(databaseKinds)("Deleted partners on %s", (kind) => {
  let database: TestDatabase;
  let orm: Orm;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    orm = await createOrm(database.settings, schema);
  });
  beforeEach(async () => {
    await query(orm, "delete from partner", []);
  });
  afterAll(async () => {
    await orm?.close(true);
    await database?.close();
  });

  test("are forgotten after their retention, with or without a request id, and nobody else is", async () => {
    const partners = createPartnerRepository(orm);
    const withId = newPartner({ requestId: randomUUID() });
    const { organizationId } = withId;
    const living = await partners.create(newPartner({ organizationId }), signal);
    for (const gone of [withId, newPartner({ organizationId }), newPartner()]) {
      const created = await partners.create(gone, signal);
      await partners.delete({ ...created, revision: undefined }, asker);
    }
    await age(orm, "90 days -1 minute");
    expect(await partners.purge(retentionDays, signal)).toBe(0);
    await expect(partners.create(withId, signal)).rejects.toMatchObject({ name: "PartnerError" });

    // Of what is above the horizon followers have not been told yet.
    await age(orm, "90 days 1 minute", 2 ** 40);
    expect(await partners.purge(retentionDays, signal)).toBe(0);
    await age(orm, "90 days 1 minute");
    expect(await partners.purge(retentionDays, signal)).toBe(3);
    expect(await countRows(orm)).toBe(1);
    expect(await partners.find(living, signal)).toEqual(living);
    expect(await partners.purge(retentionDays, signal)).toBe(0);
    // What was asked for so long ago is asked for anew.
    const again = await partners.create(withId, signal);
    expect(await partners.find(again, signal)).toEqual(again);
  });

  test("of a batch keep it from being created again in part", async () => {
    const partners = createPartnerRepository(orm);
    const requestId = randomUUID();
    const first = newPartner({ requestId });
    const { organizationId } = first;
    const second = newPartner({ organizationId, requestId: randomUUID() });
    const batch = { newPartners: [first, second], requestId };
    const created = await partners.createBatch(batch, asker);
    for (const one of created.slice(0, 1)) {
      await partners.delete({ ...one, revision: undefined }, asker);
    }
    await age(orm, "90 days 1 minute");
    expect(await partners.purge(retentionDays, signal)).toBe(1);
    await expect(partners.createBatch(batch, asker)).rejects.toMatchObject({
      facts: { metadata: { request_id: requestId, cause: "PARTNER_DELETED" } },
    });
    expect(await countRows(orm)).toBe(1);
  });

  test("are forgotten in steps of a bounded size", async () => {
    const partners = createPartnerRepository(orm);
    await makeTombstones(orm, purgeStep + 1, 3);
    expect(await partners.purge(retentionDays, signal)).toBe(purgeStep);
    expect(await partners.purge(retentionDays, signal)).toBe(1);
    expect(await partners.purge(retentionDays, signal)).toBe(0);
    expect(await countRows(orm)).toBe(1);
    const noted = await query(orm, "select change::int4 as change from partner_purge", []);
    expect(noted).toContainEqual({ change: 100 });
  });

  test("are forgotten by a process while it is idle, which logs how many, until it stops", async () => {
    const partners = createPartnerRepository(orm);
    await makeTombstones(orm, 3, 2);
    const log: unknown[][] = [];
    const logger = {
      info: (...line: unknown[]) => log.push(line),
      warn: (...line: unknown[]) => log.push(line),
    };
    // A database that refuses ends nothing.
    await query(orm, "alter table partner_purge rename to elsewhere", []);
    const stopping = new AbortController();
    let times = 0;
    const purge: typeof partners.purge = (...given) => {
      times += 1;
      return partners.purge(...given);
    };
    const purging = purgeWhileIdle({ purge }, retentionDays, logger, stopping.signal, soon);
    // One rest after the other, so that however slow the machine is, those of the purging are over too.
    for (let rests = 0; rests < 10; rests += 1) {
      let isOver = false;
      setTimeout(() => {
        isOver = true;
      }, soon.restMs);
      while (!isOver) {
        await turn();
      }
    }
    expect(times).toBe(0);
    const refused = [
      { reason: expect.stringMatching(/^42P01: /) },
      "could not forget deleted partners",
    ];
    await expect.poll(() => log[0]).toEqual(refused);
    await query(orm, "alter table elsewhere rename to partner_purge", []);
    await expect.poll(() => log.at(-1)).toEqual([{ removed: 3 }, "forgot deleted partners"]);
    stopping.abort();
    await purging;
    expect(log.filter(([, text]) => text === "forgot deleted partners")).toHaveLength(1);
  });
});

test("Processes that forget deleted partners at once share the work, and wait for nobody", async () => {
  await using database = await createPostgresDatabase();
  await using one = await createOrm(database.settings, schema);
  await using other = await createOrm(database.settings, schema);
  await makeTombstones(one, 1200, 40);
  const holder = one.em.fork();
  await holder.begin();
  await holder.execute(
    "select 1 from partner where change <= 10 and deleted_at is not null for update",
  );
  const removed = await Promise.all(
    [one, other].map(async (orm) => {
      const partners = createPartnerRepository(orm);
      let sum = 0;
      for (let last = 1; last > 0; sum += last) {
        last = await partners.purge(retentionDays, signal);
      }
      return sum;
    }),
  );
  await holder.rollback();
  expect(removed.reduce((sum, count) => sum + count)).toBe(1080);
  expect(await createPartnerRepository(other).purge(retentionDays, signal)).toBe(120);
  expect(await countRows(one)).toBe(1);
});

test("npm run purge forgets all that is to be forgotten, and says how many", async () => {
  await using database = await createPostgresDatabase();
  await using orm = await createOrm(database.settings, schema);
  await makeTombstones(orm, purgeStep + 1, 2);
  const { databaseUrl } = database.settings;
  const purge = async (retention: string) => {
    const settings = { DATABASE_URL: databaseUrl, DELETED_RETENTION: retention };
    const { output, ended } = startProcess("scripts/purge.ts", settings);
    return { code: await ended(), output: output() };
  };
  expect(await purge("92")).toEqual({ code: 0, output: "forgot 0 deleted partners\n" });
  expect(await purge("90")).toEqual({ code: 0, output: "forgot 501 deleted partners\n" });
  expect(await countRows(orm)).toBe(1);
});
