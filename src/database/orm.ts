import type { MikroORM as PgliteOrm } from "@mikro-orm/pglite";
import type { MikroORM as PostgresOrm } from "@mikro-orm/postgresql";
import { DatabaseError, DatabaseUnavailableError, toDatabaseFailure } from "./failures.ts";
import type { DatabaseSchema } from "./orm-options.ts";
import { createPgliteOrm } from "./pglite-orm.ts";
import { createPostgresOrm, type PostgresOptions } from "./postgres-orm.ts";
import { query } from "./query.ts";
import { withRetries } from "./retries.ts";

/** MikroORM on either engine. Whoever made it closes it: `orm.close(true)`. */
export type Orm = PostgresOrm | PgliteOrm;

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
  return "databaseUrl" in settings
    ? createPostgresOrm(settings.databaseUrl, schema, settings)
    : createPgliteOrm(settings.dataDirectory, schema);
}

/**
 * Returns the names of the migrations that the database lacks, oldest first.
 *
 * @throws DatabaseUnavailableError
 */
export async function pendingMigrations(orm: Orm): Promise<readonly string[]> {
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
 * @throws DatabaseUnavailableError
 */
export async function migrate(orm: Orm): Promise<void> {
  // Whoever comes second fails on what the first has made, and finds it applied on the next try:
  // once for the table that keeps track, and once for each migration.
  const { migrationsList = [] } = orm.config.getAll().migrations;
  for (let triesLeft = 1 + migrationsList.length; ; triesLeft -= 1) {
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

/**
 * Resolves if the database takes writes, within two seconds.
 *
 * @throws DatabaseUnavailableError
 */
export async function ping(orm: Orm): Promise<void> {
  const sql = "select 1 where current_setting('transaction_read_only') = 'off'";
  const { promise: late, reject } = Promise.withResolvers<never>();
  const patience = new AbortController();
  const timer = setTimeout(() => {
    patience.abort();
    reject(new DatabaseUnavailableError(false, new Error("The ping got no answer.")));
  }, pingTimeoutMs);
  try {
    const answer = withRetries(() => query(orm, sql, []), patience.signal);
    if ((await Promise.race([late, answer])).length === 0) {
      throw new DatabaseUnavailableError(false, new Error("The database is read-only."));
    }
  } finally {
    clearTimeout(timer);
  }
}
