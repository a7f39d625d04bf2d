import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createOrm, migrate, pendingMigrations, query } from "@partner-service/postgres-statements";
import { describe, expect, inject, test } from "vitest";
import { migrations } from "../src/database/migrations.ts";
import { schema } from "../src/database/open-database.ts";
import { PartnerEntity } from "../src/partners/partner-entity.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { createPostgresDatabase, createTestDatabase, databaseKinds } from "./support/databases.ts";
import { newPartner } from "./support/partners.ts";
import { databaseUrlOn, onServer } from "./support/postgres.ts";

const names = schema.migrations.map(({ name }) => name);

describe.each(databaseKinds)("The migrations on %s", (kind) => {
  test("make the schema that the entity declares", async () => {
    await using database = await createTestDatabase(kind);
    await using orm = await createOrm(database.settings, schema);
    expect(await pendingMigrations(orm)).toEqual([]);
    expect(await orm.schema.getUpdateSchemaSQL()).toBe("");
  });

  test("are found wanting when a constraint or an index is missing", async () => {
    await using database = await createTestDatabase(kind);
    await using orm = await createOrm(database.settings, schema);
    const { checks, uniques, indexes } = orm.getMetadata(PartnerEntity);
    const names = [...checks, ...uniques, ...indexes].map(({ name }) => String(name));
    for (const name of names) {
      await query(orm, `alter table partner drop constraint if exists ${name}`, []);
      await query(orm, `drop index if exists ${name}`, []);
    }
    const difference = await orm.schema.getUpdateSchemaSQL();
    expect(names.filter((name) => !difference.includes(`"${name}"`))).toEqual([]);
    expect(names.length).toBeGreaterThanOrEqual(20);
  });

  test("can be taken back and applied again", async () => {
    await using database = await createTestDatabase(kind);
    await using orm = await createOrm(database.settings, schema);
    await orm.migrator.down({ to: 0 });
    expect(await query(orm, "select to_regclass('partner') as name", [])).toEqual([{ name: null }]);
    expect(await pendingMigrations(orm)).toEqual(schema.migrations.map(({ name }) => name));
    await migrate(orm);
    expect(await pendingMigrations(orm)).toEqual([]);
    expect(await orm.schema.getUpdateSchemaSQL()).toBe("");
  });
});

describe("The migrations", () => {
  test("make no index on a column that they add, and no number of another size elsewhere", async () => {
    await using database = await createPostgresDatabase();
    await using orm = await createOrm(database.settings, schema);
    const problems = migrations.flatMap(({ name, class: Migration }) => {
      // What the migrator makes them with is of no account to their SQL.
      const migration = new Migration(orm.driver as never, orm.config as never);
      migration.up();
      const statements = migration.getQueries().map(String);
      const added = statements.flatMap((sql) =>
        [...sql.matchAll(/add column (?:if not exists )?"(\w+)"/g)].map(([, column]) => column),
      );
      const indexes = statements.filter((sql) => /create (unique )?index/.test(sql));
      return [
        ...indexes.filter((sql) => added.some((column) => new RegExp(`\\b${column}\\b`).test(sql))),
        // On CockroachDB an `int` has eight bytes, and is read as text.
        ...statements.filter((sql) => /\bint(eger)?\b/.test(sql)),
      ].map((sql) => `${name}: ${sql}`);
    });
    expect(problems).toEqual([]);
  });

  test.each([
    ["LATIN1", "cannot hold every text"],
    ["SQL_ASCII", "cannot hold every text"],
  ])("refuse a database in %s, as does the start", async (encoding, reason) => {
    const { serverUrl } = inject("databaseTemplates");
    const name = `partner_${randomUUID().replaceAll("-", "")}`;
    await onServer(
      serverUrl,
      `create database ${name} encoding '${encoding}' locale 'C' template template0`,
    );
    await using orm = await createOrm({ databaseUrl: databaseUrlOn(serverUrl, name) }, schema);
    const refusal = { name: "UnusableDatabaseError", message: expect.stringContaining(reason) };
    await expect(migrate(orm)).rejects.toMatchObject(refusal);
    await expect(pendingMigrations(orm)).rejects.toMatchObject(refusal);
    await orm.close(true);
    await onServer(serverUrl, `drop database ${name}`);
  });

  test("make the tables in the first schema of the search path, and find them there", async () => {
    await using database = await createPostgresDatabase("template1");
    const { databaseUrl } = database.settings;
    const name = new URL(databaseUrl).pathname.slice(1);
    await onServer(databaseUrl, "create schema tenant");
    await onServer(databaseUrl, `alter database ${name} set search_path to tenant, public`);
    await using orm = await createOrm(database.settings, schema);
    expect(await pendingMigrations(orm)).toEqual(names);
    await migrate(orm);
    await using next = await createOrm(database.settings, schema);
    expect(await pendingMigrations(next)).toEqual([]);
    await createPartnerRepository(next).create(newPartner(), new AbortController().signal);
    const sql =
      "select schemaname || '.' || tablename as name from pg_tables where tableowner = $1";
    const tables = await query(next, `${sql} and schemaname !~ '^pg_|^information' order by 1`, [
      "postgres",
    ]);
    expect(tables).toEqual(
      ["change_epoch", "mikro_orm_migrations", "partner", "partner_purge"].map((table) => ({
        name: `tenant.${table}`,
      })),
    );
  });

  test("are looked for where they were made, whatever schema now comes first", async () => {
    await using database = await createPostgresDatabase();
    const { databaseUrl } = database.settings;
    const name = new URL(databaseUrl).pathname.slice(1);
    await onServer(databaseUrl, "create schema tenant");
    await onServer(databaseUrl, `alter database ${name} set search_path to tenant, public`);
    await using orm = await createOrm(database.settings, schema);
    expect(await pendingMigrations(orm)).toEqual([]);
  });

  test("refuse a search path of schemas that are not there", async () => {
    await using database = await createPostgresDatabase("template1");
    const { databaseUrl } = database.settings;
    const name = new URL(databaseUrl).pathname.slice(1);
    await onServer(databaseUrl, `alter database ${name} set search_path to nowhere`);
    await using orm = await createOrm(database.settings, schema);
    await expect(migrate(orm)).rejects.toMatchObject({
      name: "UnusableDatabaseError",
      message: expect.stringContaining("search_path"),
    });
  });

  test("take longer than the role lets a statement take", async () => {
    await using database = await createPostgresDatabase("template1");
    const { databaseUrl } = database.settings;
    const name = new URL(databaseUrl).pathname.slice(1);
    await onServer(databaseUrl, `alter database ${name} set statement_timeout to '500ms'`);
    await using orm = await createOrm({ databaseUrl, statementTimeoutMs: 0 }, schema);
    await migrate(orm);
    expect(await query(orm, "select pg_sleep(0.6)::text as slept", [])).toEqual([{ slept: "" }]);
  });

  test("can be looked for by a role that may only use the tables", async () => {
    const { serverUrl } = inject("databaseTemplates");
    await using database = await createPostgresDatabase();
    const { databaseUrl } = database.settings;
    const role = `role_${randomUUID().replaceAll("-", "")}`;
    // The rights that docs/operations.md lists.
    const rights = /```sql\n([\s\S]*?)```/.exec(await readFile("docs/operations.md", "utf8"))?.[1];
    await onServer(databaseUrl, String(rights).replaceAll("partner_service", role));
    const url = new URL(databaseUrl);
    url.username = role;
    url.password = "secret";
    const signal = new AbortController().signal;
    const asker = { key: "somebody", signal };
    const orm = await createOrm({ databaseUrl: url.href }, schema);
    expect(await pendingMigrations(orm)).toEqual([]);
    const partners = createPartnerRepository(orm);
    await partners.warmUp();
    const partner = await partners.create(newPartner(), signal);
    expect(await partners.find(partner, signal)).toEqual(partner);
    await partners.delete({ ...partner, revision: undefined }, asker);
    await onServer(databaseUrl, "update partner set deleted_at = '2000-01-01', change = 1");
    expect(await partners.purge(1, signal)).toBe(1);
    await orm.close(true);
    await onServer(databaseUrl, `drop owned by ${role}`);
    await onServer(serverUrl, `drop role ${role}`);
  });

  test("may be applied by several processes at once", async () => {
    await using database = await createPostgresDatabase("template1");
    const orms = await Promise.all(
      Array.from({ length: 5 }, () => createOrm(database.settings, schema)),
    );
    await Promise.all(orms.map((orm) => migrate(orm)));
    for (const orm of orms) {
      expect(await pendingMigrations(orm)).toEqual([]);
      await orm.close(true);
    }
  });

  test("do not make a database that is missing", async () => {
    const database = await createPostgresDatabase();
    await database.close();
    await using orm = await createOrm(database.settings, schema);
    const missing = { name: "DatabaseUnavailableError", cause: { code: "3D000" } };
    await expect(migrate(orm)).rejects.toMatchObject(missing);
    await expect(pendingMigrations(orm)).rejects.toMatchObject(missing);
  });
});
