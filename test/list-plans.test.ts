import { randomUUID } from "node:crypto";
import { createOrm, createRowMapping, type Orm, query } from "@partner-service/postgres-statements";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { changesStatement, createChangeFeed } from "../src/changes/change-feed.ts";
import { schema } from "../src/database/open-database.ts";
import { connectionSql, connectionsSql } from "../src/partners/connections.ts";
import {
  type ListQuery,
  type OrderColumn,
  pageStatement,
} from "../src/partners/list-statements.ts";
import { PartnerEntity } from "../src/partners/partner-entity.ts";
import { findStatement } from "../src/partners/partner-finds.ts";
import { deletedSql } from "../src/partners/partner-purge.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { createPostgresDatabase } from "./support/databases.ts";
import { newPartner } from "./support/partners.ts";

const { signal } = new AbortController();
const asker = { key: "somebody", signal };

const organizationId = randomUUID();
const rowCount = 100_000;

/** The id of the partner with this number; ids grow with their numbers. */
const idOf = (number: number) => `00000000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;

/**
 * One book of 100,000 partners, between the books of others, which are small and of which each
 * second has deleted its partner: for these, an index without the deleted ones costs less. Each
 * fiftieth partner has accepted.
 */
const insertSql = `
  insert into partner (organization_id, id, created_at, updated_at, company_name, sales_amount,
    partner_type, email, frequency, payment_terms, address, city, state, postal_code,
    company_registration_number, revision, deleted_at, invitation_status, guest_organization_id)
  select case when n % 4 = 0 then gen_random_uuid() else $1 end,
    ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, now(), now(),
    'Company ' || md5(n::text), n % 1000, case when n % 2 = 0 then 'customer' else 'supplier' end,
    md5(n::text) || '@example.com', 'monthly', 'Net 30', 'Main St', 'New York', 'NY', '12345',
    n::text, 1, case when n % 100 = 1 or n % 8 = 0 then now() end,
    case when n % 50 = 7 then 'accepted' else 'invited' end,
    case when n % 50 = 7 then gen_random_uuid() end
  from generate_series(1, ${Math.ceil((rowCount * 4) / 3)}) as n`;

describe("The plans for a large book", () => {
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>;
  let orm: Orm;

  beforeAll(async () => {
    database = await createPostgresDatabase();
    orm = await createOrm({ ...database.settings, statementTimeoutMs: 0 }, schema);
    await query(orm, insertSql, [organizationId]);
    await query(orm, "vacuum analyze partner", []);
  });
  afterAll(async () => {
    await orm?.close(true);
    await database?.close();
  });

  const statementOf = (changes: Partial<ListQuery>, selection = "id") =>
    pageStatement("partner", selection, {
      organizationId,
      anyOf: {},
      text: undefined,
      orderBy: "id",
      descending: false,
      after: undefined,
      pageSize: 20,
      countAll: false,
      ...changes,
    });

  /** Runs the page's statement, and returns its plan and how many rows its scan has read. */
  async function explain(changes: Partial<ListQuery>) {
    const { text, values } = statementOf(changes);
    const rows = await query(orm, `explain (analyze, costs off, timing off) ${text}`, values);
    const lines = rows.map((row) => String(row["QUERY PLAN"]));
    const scan = lines.find((line) => line.includes(" on partner")) ?? "";
    const [, read = "0"] = /rows=(\d+)/.exec(scan) ?? [];
    const removed = lines.flatMap((line) => /Removed by Filter: (\d+)/.exec(line)?.[1] ?? []);
    return {
      index: /using (\w+) on partner/.exec(scan)?.[1],
      sorts: lines.some((line) => line.includes("Sort")),
      rowsRead: [read, ...removed].reduce((sum, count) => sum + Number(count), 0),
    };
  }

  const middle = rowCount / 2;
  const directions = [false, true];

  test.each(
    directions.flatMap((descending) => [
      { descending, page: "the first page", after: undefined },
      { descending, page: "a page in the middle", after: { value: "", id: idOf(middle) } },
    ]),
  )("read $page by creation from the primary key, descending: $descending", async (changes) => {
    const plan = await explain(changes);
    expect(plan).toMatchObject({ index: "partner_pkey", sorts: false });
    expect(plan.rowsRead).toBeLessThan(25);
  });

  test.each(
    directions.flatMap((descending) => [
      { descending, page: "the first page", after: undefined },
      {
        ...{ descending, page: "a page in the middle" },
        after: { value: "Company 8", id: idOf(middle) },
      },
    ]),
  )("read $page by name from its index, descending: $descending", async ({ descending, after }) => {
    const plan = await explain({ orderBy: "company_name", descending, after });
    expect(plan).toEqual({ index: "partner_company_name_index", sorts: false, rowsRead: 21 });
  });

  test("read ids from the primary key alone", async () => {
    const id = Array.from({ length: 100 }, (_, number) => idOf(number * 8 + 3));
    const plan = await explain({ anyOf: { id } });
    expect(plan.index).toBe("partner_pkey");
    expect(plan.rowsRead).toBeLessThanOrEqual(100);
  });

  test("find partners with a look into the primary key for each", async () => {
    const ids = [idOf(3), idOf(middle + 3)];
    const sql = `explain (analyze, costs off, timing off) ${findStatement("partner", "id, city")}`;
    const rows = await query(orm, sql, [ids.map(() => organizationId), ids]);
    const lines = rows.map((row) => String(row["QUERY PLAN"]));
    expect(lines.filter((line) => line.includes(" on partner"))).toEqual([
      expect.stringMatching(/Index Scan using partner_pkey on partner \(actual rows=1.* loops=2\)/),
    ]);
  });

  test("of what is prepared, but lists, are one for all, and not made anew for each execution", async () => {
    const lone = await createOrm({ ...database.settings, poolSize: 1 }, schema);
    onTestFinished(() => lone.close(true));
    const partners = createPartnerRepository(lone);
    const { listChanges } = createChangeFeed(lone);
    for (let number = 1; number <= 10; number += 1) {
      const { id } = await partners.create(newPartner({ organizationId }), signal);
      await partners.find({ organizationId, id }, signal);
      const newPartners = [newPartner({ organizationId }), newPartner({ organizationId })];
      await partners.createBatch({ newPartners, requestId: null }, asker);
      for (const pageSize of [100, 1000]) {
        await listChanges({ organizationId, after: undefined, pageSize }, asker);
      }
      await partners.isConnected({ host: organizationId, guest: randomUUID() }, asker);
    }
    const sql =
      "select name, custom_plans::int as custom from pg_prepared_statements order by name";
    const plans = (await query(lone, sql, [])).map(({ name, custom }) => [name, custom]);
    // PostgreSQL makes five to compare with, of what has parameters.
    expect(Object.fromEntries(plans)).toEqual({
      "change-horizon": 0,
      "change-limits": 5,
      "find-connection": 5,
      "find-partners": 5,
      "insert-batch": 5,
      "insert-partners": 5,
      "list-changes-100": 5,
      "list-changes-1000": 5,
    });
  });

  test("look a connection up in its index alone", async () => {
    const values = [organizationId, randomUUID()];
    const rows = await query(orm, `explain (costs off) ${connectionSql}`, values);
    const plan = rows.map((row) => String(row["QUERY PLAN"])).join("\n");
    // Each of the two begins with one of the organizations, and holds both.
    expect(plan).toMatch(/Index (Only )?Scan using partner_guest_(unique|index) on partner/);
    expect(plan).not.toContain("Filter");
  });

  test.each([
    ["host", "partner_guest_unique"],
    ["guest", "partner_guest_index"],
  ] as const)("list the connections of a %s from %s alone", async (role, index) => {
    const sql = `explain (costs off) ${connectionsSql(role, "id")}`;
    const rows = await query(orm, sql, [
      organizationId,
      "00000000-0000-0000-0000-000000000000",
      42,
    ]);
    const plan = rows.map((row) => String(row["QUERY PLAN"])).join("\n");
    expect(plan).toMatch(new RegExp(`(using|Bitmap Index Scan on) ${index}`));
    expect(plan).not.toMatch(/Seq Scan|Filter/);
  });

  test.each<OrderColumn>(["sales_amount", "partner_type", "email", "frequency", "payment_terms"])(
    "sort by %s, having no index of its own",
    async (orderBy) => {
      expect(await explain({ orderBy })).toMatchObject({ sorts: true });
    },
  );

  test.each([
    { index: "partner_pkey", name: "list-partners-asc", changes: {} },
    { index: "partner_pkey", name: "list-partners-desc", changes: { descending: true } },
    {
      ...{ index: "partner_company_name_index", name: "list-partners-by-name" },
      changes: { orderBy: "company_name" as const },
    },
  ])("$name reads from $index with one plan for all books", async (prepared) => {
    const { name, text } = statementOf(prepared.changes, "*");
    const rows = await query(orm, `explain (generic_plan, costs off) ${text}`, []);
    const plan = rows.map((row) => String(row["QUERY PLAN"])).join("\n");
    expect(name).toBe(prepared.name);
    expect(plan).toMatch(`using ${prepared.index} on partner`);
    expect(plan).not.toContain("Sort");
  });

  test.each([100, 1000])("list %i changes from their index, in its order", async (pageSize) => {
    const values = [organizationId, "0", idOf(0), "1000000000"];
    const { name, text } = changesStatement("partner", "id, change", values, pageSize);
    expect(name).toBe(`list-changes-${pageSize}`);
    const rows = await query(orm, `explain (generic_plan, costs off) ${text}`, []);
    const plan = rows.map((row) => String(row["QUERY PLAN"])).join("\n");
    expect(plan).toMatch("using partner_change_index on partner");
    expect(plan).not.toMatch(/Sort|^ *Filter/m);
  });

  test("find partners that were deleted long ago from their index", async () => {
    const sql = `explain (generic_plan, costs off) ${deletedSql("partner")}`;
    const plan = (await query(orm, sql, [])).map((row) => String(row["QUERY PLAN"])).join("\n");
    expect(plan).toMatch("using partner_deleted_index on partner");
    expect(plan).not.toContain("Sort");
  });

  test("rows are sorted as they are: lists select all columns in the table's order", async () => {
    const rows = await query(
      orm,
      `select column_name from information_schema.columns
        where table_schema = 'public' and table_name = 'partner' order by ordinal_position`,
      [],
    );
    const { wholeRow } = createRowMapping(orm, PartnerEntity);
    const columns = wholeRow.split(", ").map((column) => column.replace(/ as .*/, ""));
    expect(columns).toEqual(rows.map((row) => row.column_name));
  });

  test("no other list is prepared", () => {
    const byName = { orderBy: "company_name" as const, descending: true };
    const others = [{ pageSize: 21 }, { orderBy: "email" as const }, byName, { text: "a" }];
    expect(others.map((changes) => statementOf(changes).name)).toEqual(others.map(() => undefined));
  });
});
