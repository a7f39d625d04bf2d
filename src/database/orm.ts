import type { MikroORM as PgliteOrm } from "@mikro-orm/pglite";
import type { MikroORM as PostgresOrm } from "@mikro-orm/postgresql";
import { StartError } from "../start-error.ts";
import { type Clock, createClock } from "./clock.ts";
import type { DatabaseSchema } from "./either-orm.ts";
import { DatabaseError, DatabaseUnavailableError, toDatabaseFailure } from "./failures.ts";
import { createPgliteOrm } from "./pglite-orm.ts";
import { createPostgresOrm, defaultPoolSize, type PostgresOptions } from "./postgres-orm.ts";
import { hangingSql } from "./postgres-pool.ts";
import { query } from "./query.ts";
import { withRetries } from "./retries.ts";

/** MikroORM on either engine, with what it knows of it. Whoever made it closes it: `orm.close(true)`. */
export type Orm = (PostgresOrm | PgliteOrm) & {
  readonly clock: Clock;
  /** How many statements the database has under way at once. */
  readonly poolSize: number;
};

export type DatabaseSettings =
  | ({
      /** postgres://… , with pg's parameters: `?sslmode=verify-full`. */
      readonly databaseUrl: string;
    } & PostgresOptions)
  | {
      /** Where PGlite, PostgreSQL in WebAssembly, keeps its data. Created if it is missing. */
      readonly dataDirectory: string;
    };

/** How long the server gets to answer a ping. */
const pingTimeoutMs = 2000;

/**
 * Makes the ORM. PostgreSQL is reached with the first statement, not before; PGlite is started.
 *
 * @throws StartError when another process works in the data directory
 */
export async function createOrm(settings: DatabaseSettings, schema: DatabaseSchema): Promise<Orm> {
  const clock = createClock();
  const orm: PostgresOrm | PgliteOrm =
    "databaseUrl" in settings
      ? await createPostgresOrm(settings.databaseUrl, schema, clock, settings)
      : await createPgliteOrm(settings.dataDirectory, schema);
  const { poolSize = defaultPoolSize } = "databaseUrl" in settings ? settings : { poolSize: 1 };
  return Object.assign(orm, { clock, poolSize });
}

/**
 * Returns the names of the migrations that the database lacks, oldest first.
 *
 * @throws StartError when the database cannot be one of the service's
 * @throws DatabaseUnavailableError
 */
export async function pendingMigrations(orm: Orm): Promise<readonly string[]> {
  if (!(await findMigrationsTable(orm))) {
    // The migrator would make the table to look into it, and the service may have no right to.
    return migrationsOf(orm).map(({ name }) => name);
  }
  try {
    const pending = await orm.migrator.getPending();
    return pending.map(({ name }) => name);
  } catch (error) {
    throw toDatabaseFailure(error);
  }
}

/**
 * Applies the migrations that the database lacks, each in a transaction of its own. Several
 * processes may do so at once.
 *
 * @throws StartError when the database cannot be one of the service's
 * @throws DatabaseUnavailableError
 */
export async function migrate(orm: Orm): Promise<void> {
  await findMigrationsTable(orm);
  // Whoever comes second fails on what the first has made, and finds it applied on the next try:
  // once for the table that keeps track, and once for each migration.
  for (let triesLeft = 1 + migrationsOf(orm).length; ; triesLeft -= 1) {
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
 * table where new ones go. Answers whether its table is there.
 */
async function findMigrationsTable(orm: Orm): Promise<boolean> {
  const { tableName = "" } = orm.config.getAll().migrations;
  const sql = `select current_setting('server_encoding') as encoding, current_schema() as schema,
    (select nspname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where pg_class.oid = to_regclass($1)) as "schemaOfTable"`;
  const [row = {}] = await query(orm, sql, [tableName]);
  const { encoding, schema, schemaOfTable } = row;
  if (encoding !== "UTF8") {
    throw new StartError(
      `The database of DATABASE_URL has the encoding ${encoding}, which cannot hold every text: ` +
        "create it with encoding 'UTF8' template template0.",
    );
  }
  if (schema === null) {
    throw new StartError(
      "The search_path of the database of DATABASE_URL names no schema that is there: create it, " +
        "or alter the role's or the database's search_path.",
    );
  }
  // Either engine's configuration; a union of generic methods cannot be called.
  const config: { set(key: "schema", value: string): void } = orm.config;
  config.set("schema", String(schemaOfTable ?? schema));
  return schemaOfTable !== null;
}

/**
 * Resolves if the database takes writes, and commits them, within two seconds.
 *
 * @throws DatabaseUnavailableError
 */
export async function ping(orm: Orm): Promise<void> {
  const sql = `select current_setting('transaction_read_only') as "readOnly", hanging,
    extract(epoch from clock_timestamp()) * 1000 as "databaseMs" from (${hangingSql}) as commits`;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const patience = new AbortController();
  const askedAt = Date.now();
  const timer = setTimeout(() => {
    patience.abort();
    reject(new DatabaseUnavailableError(false, new Error("The ping got no answer.")));
  }, pingTimeoutMs);
  try {
    const answer = withRetries(() => query(orm, sql, []), patience.signal);
    const [state] = await Promise.race([late, answer]);
    if (state?.readOnly !== "off") {
      throw new DatabaseUnavailableError(false, new Error("The database is read-only."));
    }
    orm.clock.compare(askedAt, Number(state.databaseMs), Date.now());
    if (state.hanging !== 0) {
      throw new DatabaseUnavailableError(
        false,
        new Error("Commits wait for a synchronous standby."),
      );
    }
  } finally {
    clearTimeout(timer);
  }
}
