import type { Options } from "@mikro-orm/core";
import { Migrator } from "@mikro-orm/migrations";
import { MikroORM as PgliteOrm } from "@mikro-orm/pglite";
import { MikroORM as PostgresOrm } from "@mikro-orm/postgresql";
import { PartnerEntity } from "../partners/partner-entity.ts";
import { lockDataDirectory } from "./data-directory-lock.ts";
import {
  closedMessage,
  DatabaseError,
  DatabaseUnavailableError,
  toDatabaseFailure,
} from "./failures.ts";
import { migrations } from "./migrations.ts";
import { query } from "./query.ts";
import { withRetries } from "./retries.ts";

/** MikroORM on either engine. Whoever made it closes it: `orm.close(true)`. */
export type Orm = PostgresOrm | PgliteOrm;

export type DatabaseSettings =
  | {
      /** postgres://… , with pg's parameters: `?sslmode=verify-full`. */
      readonly databaseUrl: string;
      /** How long a statement may take; 0: as long as it needs, which is for migrations. */
      readonly statementTimeoutMs?: number;
    }
  | {
      /** Where PGlite, PostgreSQL in WebAssembly, keeps its data. Created if it is missing. */
      readonly dataDirectory: string;
    };

const applicationName = "partner-service";
/** More connections would wait for the same few CPUs and disks on the server instead of here. */
const poolSize = 10;
/** Bounds connecting, and waiting for a connection while all are busy. */
const connectTimeoutMs = 3000;
const defaultStatementTimeoutMs = 5000;
/** What the server's own timeout gets before this side takes the connection for dead. */
const answerTimeoutMs = 1000;
const pingTimeoutMs = 2000;

const common = {
  entities: [PartnerEntity],
  extensions: [Migrator],
  metadataCache: { enabled: false },
  ensureDatabase: false,
  // Its log would show parameters: personal data.
  debug: false,
  migrations: {
    migrationsList: migrations,
    // A transaction for each migration: one for all would nest them in savepoints.
    allOrNothing: false,
    disableForeignKeys: false,
    snapshot: false,
    silent: true,
  },
} satisfies Partial<Options>;

/**
 * Makes the ORM. PostgreSQL is reached with the first statement, not before; PGlite is started.
 *
 * @throws DataDirectoryInUseError
 */
export async function createOrm(settings: DatabaseSettings): Promise<Orm> {
  return "databaseUrl" in settings
    ? createPostgresOrm(settings.databaseUrl, settings.statementTimeoutMs)
    : createPgliteOrm(settings.dataDirectory);
}

async function createPostgresOrm(
  databaseUrl: string,
  statementTimeoutMs = defaultStatementTimeoutMs,
): Promise<Orm> {
  const { pathname, username } = new URL(databaseUrl);
  const orm = await PostgresOrm.init({
    ...common,
    dbName: decodeURIComponent(pathname.slice(1) || username),
    driverOptions: {
      // MikroORM's own `clientUrl` would drop the parameters, sslmode among them.
      connectionString: databaseUrl,
      application_name: applicationName,
      max: poolSize,
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs && statementTimeoutMs + answerTimeoutMs,
      keepAlive: true,
    },
  });
  // The migrator would create a database that it does not find.
  orm.schema.ensureDatabase = async () => false;
  const pool: PoolEnd = await orm.driver.getConnection().getNativeClient();
  closeForGood(orm, async () => {
    if (!pool.ending) {
      await pool.end();
    }
  });
  return orm;
}

/** What is used here of a pool of pg, whose package brings no types. */
interface PoolEnd {
  readonly ending: boolean;
  end(): Promise<void>;
}

async function createPgliteOrm(dataDirectory: string): Promise<Orm> {
  const lock = lockDataDirectory(dataDirectory);
  try {
    const orm = await PgliteOrm.init({ ...common, dbName: dataDirectory });
    const pglite = await orm.driver.getConnection().getNativeClient();
    closeForGood(orm, async () => {
      if (!pglite.closed) {
        await pglite.close();
      }
      lock.release();
    });
    return orm;
  } catch (failure) {
    lock.release();
    throw failure;
  }
}

/**
 * Makes closing the ORM close the native client too, which MikroORM leaves open as long as no
 * statement has gone through MikroORM itself, and keeps it closed: with the next statement MikroORM
 * would make another pool, which nobody closes, or enter a data directory without its lock.
 */
function closeForGood(orm: Orm, closeNativeClient: () => Promise<void>): void {
  const close = orm.close.bind(orm);
  orm.close = async (force) => {
    orm.driver.getConnection().connect = async () => {
      throw new Error(closedMessage);
    };
    await close(force);
    await closeNativeClient();
  };
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
  for (let triesLeft = 1 + migrations.length; ; triesLeft -= 1) {
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
