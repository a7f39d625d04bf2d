import type { MikroORM as PgliteOrm } from "@mikro-orm/pglite";
import type { MikroORM as PostgresOrm } from "@mikro-orm/postgresql";
import { type Clock, createClock } from "./clock.ts";
import { DatabaseUnavailableError, OverloadedError } from "./failures.ts";
import { createFairTurns } from "./fair-turns.ts";
import type { DatabaseSchema } from "./orm-options.ts";
import type { PostgresOptions } from "./postgres-orm.ts";
import { hangingSql, isAnswering, type PostgresPool } from "./postgres-pool.ts";
import { query } from "./query.ts";
import { turnPatienceMs, withRetries } from "./retries.ts";

/** MikroORM on either engine, with what it knows of it. Whoever made it closes it: `orm.close(true)`. */
export type Orm = (PostgresOrm | PgliteOrm) & {
  readonly clock: Clock;
  /** How many statements the database has under way at once. */
  readonly poolSize: number;
  /**
   * Runs statements that no calls share in the turn of who asks for them.
   *
   * Fails with OverloadedError where others' leave no turn for too long, and with DatabaseUnavailableError where
   * the database has answered nobody meanwhile.
   */
  readonly inTurn: ReturnType<typeof createFairTurns>;
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

/** How many connections there are at most, unless it is told. */
const defaultPoolSize = 10;

/** How long the server gets to answer a ping. */
const pingTimeoutMs = 2000;

/**
 * Makes the ORM. PostgreSQL is reached with the first statement, not before; PGlite is started.
 *
 * @throws UnusableDatabaseError when another process works in the data directory
 */
export async function createOrm(settings: DatabaseSettings, schema: DatabaseSchema): Promise<Orm> {
  const clock = createClock();
  // Most of a start is the loading of modules: those of the other engine are left out.
  if ("databaseUrl" in settings) {
    const { createPostgresOrm } = await import("./postgres-orm.ts");
    const { databaseUrl, poolSize = defaultPoolSize } = settings;
    const orm = await createPostgresOrm(databaseUrl, schema, clock, { ...settings, poolSize });
    const pool: PostgresPool = await orm.driver.getConnection().getNativeClient();
    return Object.assign(orm, { clock, poolSize, inTurn: createStatementTurns(pool) });
  }
  const { createPgliteOrm } = await import("./pglite-orm.ts");
  const orm = await createPgliteOrm(settings.dataDirectory, schema);
  const inTurn = createFairTurns(1, turnPatienceMs);
  return Object.assign(orm, { clock, poolSize: 1, inTurn });
}

/**
 * A fifth of the connections is left for the statements that calls share, and for what nobody's call asks for: in
 * the pool's own line these would come behind all that one asker asks for at once.
 */
function createStatementTurns(pool: PostgresPool) {
  const { max } = pool.options;
  return createFairTurns(Math.max(1, max - Math.ceil(max / 5)), turnPatienceMs, () =>
    isAnswering(pool)
      ? new OverloadedError()
      : new DatabaseUnavailableError(false, new Error("The database has answered nobody.")),
  );
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
