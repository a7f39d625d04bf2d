import { randomUUID } from "node:crypto";
import { createOrm, type Orm, query } from "@partner-service/postgres-statements";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { schema } from "../src/database/open-database.ts";
import { createSearchIndex } from "../src/database/search-index.ts";
import { pageStatement } from "../src/partners/list-statements.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import {
  createPostgresDatabase,
  createTestDatabase,
  type TestDatabase,
} from "./support/databases.ts";
import { onServer } from "./support/postgres.ts";
import { startProcess } from "./support/process.ts";

const organizationId = randomUUID();
const { signal } = new AbortController();

/** One book of 10,000 partners, between as many of others. */
const insertSql = `
  insert into partner (organization_id, id, created_at, updated_at, company_name, sales_amount,
    partner_type, email, frequency, payment_terms, address, city, state, postal_code,
    company_registration_number, revision, deleted_at, invitation_status)
  select case when n % 2 = 0 then gen_random_uuid() else $1 end, uuidv7(), now(), now(),
    'Company ' || n, n % 1000, 'customer', n || '@example.com', 'monthly', 'Net 30', 'Main St',
    'New York', 'NY', '12345', n::text, 1, null, 'invited'
  from generate_series(1, 20000) as n`;

describe("The index for texts", () => {
  let database: TestDatabase;
  let orm: Orm;

  beforeAll(async () => {
    database = await createPostgresDatabase();
    orm = await createOrm({ ...database.settings, statementTimeoutMs: 0 }, schema);
    await query(orm, insertSql, [organizationId]);
  });
  afterAll(async () => {
    await orm?.close(true);
    await database?.close();
  });

  const listQuery = (text: string) => ({
    organizationId,
    anyOf: {},
    text,
    orderBy: "id" as const,
    descending: false,
    after: undefined,
    pageSize: 20,
    countAll: true,
  });
  const search = (text: string) =>
    createPartnerRepository(orm).list(listQuery(text), { key: organizationId, signal });

  /** Which index a page is read from, and how many rows are looked at for it. */
  async function explain(text: string) {
    const { text: sql, values } = pageStatement("partner", "*", listQuery(text));
    const rows = await query(orm, `explain (analyze, costs off, timing off) ${sql}`, values);
    const plan = rows.map((row) => String(row["QUERY PLAN"])).join("\n");
    const [, found = ""] = / on partner .*actual rows=(\d+)/.exec(plan) ?? [];
    const [, removed = "0"] = /Removed by (?:Filter|Index Recheck): (\d+)/.exec(plan) ?? [];
    const [, index] = /(?:using|Bitmap Index Scan on) (\w+)/.exec(plan) ?? [];
    return { index, rows: Number(found) + Number(removed) };
  }

  const texts = ["9999", "OMPANY 77", "19997@", "y 1", "99", "%", "zz"];

  test("is made once, and the same is found by it", async () => {
    const before = await Promise.all(texts.map(search));
    expect(await createSearchIndex(orm)).toBe("created partner_search_index");
    expect(await createSearchIndex(orm)).toBe("partner_search_index is there already");
    await query(orm, "vacuum analyze partner", []);
    expect(await Promise.all(texts.map(search))).toEqual(before);
    expect(before.map(({ totalSize }) => totalSize)).toEqual([2, 56, 1, 5556, 370, 0, 0]);

    // Three characters of which few partners are, and more.
    for (const text of ["9999", "19997@", "zzz"]) {
      expect(await explain(text), text).toMatchObject({ index: "partner_search_index" });
      expect((await explain(text)).rows, text).toBeLessThan(100);
    }
    // A text that many have is found on the way through the book.
    expect(await explain("company")).toEqual({ index: "partner_pkey", rows: 21 });
    // The index knows no text of two, so that all of the book is looked at.
    expect((await explain("zz")).rows).toBe(10_000);
  });

  test("is made anew where a creation was cut short", async () => {
    await query(
      orm,
      "update pg_index set indisvalid = false where indexrelid = 'partner_search_index'::regclass",
      [],
    );
    expect(await createSearchIndex(orm)).toBe("created partner_search_index");
  });
});

test("npm run migrate makes the index for texts where it is asked to", async () => {
  await using database = await createPostgresDatabase();
  const { databaseUrl } = database.settings;
  const args = ["--with", "search"];
  const migration = startProcess("scripts/migrate.ts", { DATABASE_URL: databaseUrl }, args);
  expect(await migration.ended()).toBe(0);
  expect(migration.output()).toBe("nothing to apply\ncreated partner_search_index\n");
});

test("A role that may not create extensions is told which, in one line", async () => {
  await using database = await createPostgresDatabase();
  const { databaseUrl } = database.settings;
  const role = `role_${randomUUID().replaceAll("-", "")}`;
  await onServer(databaseUrl, `create role ${role} login password 'secret'`);
  const url = new URL(databaseUrl);
  url.username = role;
  url.password = "secret";
  await using orm = await createOrm({ databaseUrl: url.href }, schema);
  await expect(createSearchIndex(orm)).rejects.toMatchObject({
    name: "StartError",
    message:
      "--with search needs the extension pg_trgm; have one who may run: create extension pg_trgm. " +
      "The database refuses it to the role of DATABASE_URL: " +
      '42501: permission denied to create extension "pg_trgm"',
  });
  await onServer(databaseUrl, `drop role ${role}`);
});

test("The sandbox goes without the index for texts, and says so", async () => {
  await using database = await createTestDatabase("pglite");
  await using orm = await createOrm(database.settings, schema);
  expect(await createSearchIndex(orm)).toBe(
    "the sandbox goes without partner_search_index: its database has no pg_trgm and btree_gin",
  );
});
