import { DatabaseError, toDatabaseFailure, UnusableDatabaseError } from "./failures.ts";
import type { Orm } from "./orm.ts";
import type { DatabaseSchema } from "./orm-options.ts";
import { query } from "./query.ts";

/**
 * Returns the names of the migrations that the database lacks, oldest first.
 *
 * @throws UnusableDatabaseError when the database cannot be the schema's
 * @throws DatabaseUnavailableError
 */
export async function pendingMigrations(orm: Orm): Promise<readonly string[]> {
  const names = migrationsOf(orm).map(({ name }) => name);
  const table = await findMigrationsTable(orm);
  if (table === null) {
    return names;
  }
  // The migrator would take several statements for it, and make the table, which the service may have no right to.
  const applied = new Set(
    (await query(orm, `select name from ${table}`, [])).map(({ name }) => name),
  );
  return names.filter((name) => !applied.has(name));
}

/**
 * Applies the migrations that the database lacks, each in a transaction of its own. Several
 * processes may do so at once.
 *
 * @throws UnusableDatabaseError when the database cannot be the schema's
 * @throws DatabaseUnavailableError
 */
export async function migrate(orm: Orm): Promise<void> {
  const pending = await pendingMigrations(orm);
  if (pending.length === 0) {
    return;
  }
  // Whoever comes second fails on what the first has made, and finds it applied on the next try:
  // once for the table that keeps track, and once for each migration.
  for (let triesLeft = 1 + pending.length; ; triesLeft -= 1) {
    try {
      await orm.migrator.up();
      return;
    } catch (error) {
      const failure = toDatabaseFailure(error);
      if (!(failure instanceof DatabaseError) || triesLeft === 0) {
        throw failure;
      }
    }
  }
}

function migrationsOf(orm: Orm) {
  // Those of ormOptions, which are objects with names.
  return (orm.config.getAll().migrations.migrationsList ?? []) as DatabaseSchema["migrations"];
}

/**
 * Has the migrator keep track where the tables are: in the first schema of the search path that has
 * its table, or else in that where new tables go. It would by itself look in `public`, but make its
 * table where new ones go. Answers how SQL names its table; null where it is not there.
 */
async function findMigrationsTable(orm: Orm): Promise<unknown> {
  const { tableName = "" } = orm.config.getAll().migrations;
  const sql = `select current_setting('server_encoding') as encoding, current_schema() as schema,
    to_regclass($1)::text as table,
    (select nspname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where pg_class.oid = to_regclass($1)) as "schemaOfTable"`;
  const [row = {}] = await query(orm, sql, [tableName]);
  const { encoding, schema, table, schemaOfTable } = row;
  if (encoding !== "UTF8") {
    throw new UnusableDatabaseError(
      `The database of DATABASE_URL has the encoding ${encoding}, which cannot hold every text: ` +
        "create it with encoding 'UTF8' template template0.",
    );
  }
  if (schema === null) {
    throw new UnusableDatabaseError(
      "The search_path of the database of DATABASE_URL names no schema that is there: create it, " +
        "or alter the role's or the database's search_path.",
    );
  }
  // Either engine's configuration; a union of generic methods cannot be called.
  const config: { set(key: "schema", value: string): void } = orm.config;
  config.set("schema", String(schemaOfTable ?? schema));
  return table;
}
