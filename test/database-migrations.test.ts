import { describe, expect, test } from "vitest";
import { createOrm, migrate, pendingMigrations } from "../src/database/orm.ts";
import { query } from "../src/database/query.ts";
import { PartnerEntity } from "../src/partners/partner-entity.ts";
import { schema } from "../src/schema.ts";
import { createPostgresDatabase, createTestDatabase, databaseKinds } from "./support/databases.ts";

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
