import { expect, test, describe } from "vitest";
import { createOrm, pendingMigrations, ping } from "../src/database/orm.ts";
import { createTestDatabase, databaseKinds } from "./support/databases.ts";
describe.each(databaseKinds)("%s", (kind) => {
  test("x", async () => {
    const db = await createTestDatabase(kind);
    const orm = await createOrm(db.settings);
    expect(await pendingMigrations(orm)).toEqual([]);
    await ping(orm);
    expect(await orm.schema.getUpdateSchemaSQL()).toBe("");
    await orm.close(true);
    await db.close();
  });
});
