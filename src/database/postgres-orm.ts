import { MikroORM } from "@mikro-orm/postgresql";
import type { ClientBase, Pool, QueryConfig } from "pg";
import { closeForGood } from "./close-for-good.ts";
import { nameSslMode, parseDatabaseUrl } from "./database-url.ts";
import { type DatabaseSchema, ormOptions } from "./orm-options.ts";
import { databasePatienceMs } from "./retries.ts";
import { sessionSql } from "./session.ts";

const applicationName = "partner-service";
/** What the server's own timeout gets before this side takes the connection for dead. */
const answerTimeoutMs = 1000;

/** Connections retire, so that a balancer in front of several servers can spread them anew. */
const longestLifeSeconds = 1800;
/** The system asks a peer that has been silent for this long whether it is still there. */
const keepAliveAfterMs = 10_000;

export interface PostgresOptions {
  /** How long a statement may take; 0: as long as it needs, which is for migrations. */
  readonly statementTimeoutMs?: number | undefined;
  /** More connections would wait for the same few CPUs and disks on the server instead of here. */
  readonly poolSize?: number | undefined;
  /** Connections that stay open while nobody calls, so that the first who does waits for none. */
  readonly idleConnections?: number | undefined;
}

/** Makes the ORM on PostgreSQL. The server is reached with the first statement, not before. */
export async function createPostgresOrm(
  databaseUrl: string,
  schema: DatabaseSchema,
  { statementTimeoutMs = databasePatienceMs, poolSize = 10, idleConnections = 3 }: PostgresOptions,
): Promise<MikroORM> {
  const { pathname = "/", username = "" } = parseDatabaseUrl(databaseUrl) ?? {};
  const orm = await MikroORM.init({
    ...ormOptions(schema),
    dbName: decodeURIComponent(pathname.slice(1) || username),
    driverOptions: {
      // MikroORM's own `clientUrl` would drop the parameters, sslmode among them.
      connectionString: nameSslMode(databaseUrl),
      application_name: applicationName,
      max: poolSize,
      min: Math.min(idleConnections, poolSize),
      // Bounds connecting, and waiting for a connection while all are busy.
      connectionTimeoutMillis: databasePatienceMs,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs && statementTimeoutMs + answerTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveAfterMs,
      maxLifetimeSeconds: longestLifeSeconds,
      onConnect: (client: ClientBase) => beginSession(client, statementTimeoutMs),
    },
  });
  // The migrator would create a database that it does not find.
  orm.schema.ensureDatabase = async () => false;
  const pool: Pool = await orm.driver.getConnection().getNativeClient();
  closeForGood(orm, async () => {
    if (!pool.ending) {
      await pool.end();
    }
  });
  return orm;
}

async function beginSession(client: ClientBase, statementTimeoutMs: number): Promise<void> {
  // Sent among the parameters of a connection, a zero would leave the role's or the database's own.
  const text = statementTimeoutMs === 0 ? `set statement_timeout = 0; ${sessionSql}` : sessionSql;
  // `query_timeout` is an option of pg's that its types lack; that of the pool may be none.
  const statement: QueryConfig & { query_timeout: number } = {
    text,
    query_timeout: databasePatienceMs,
  };
  await client.query(statement);
}
