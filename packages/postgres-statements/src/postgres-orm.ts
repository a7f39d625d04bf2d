import { MikroORM } from "@mikro-orm/postgresql";
import {
  hostUrls,
  nameSslMode,
  needsWritableServer,
  parseDatabaseUrl,
} from "@partner-service/database-url";
import type { ClientBase, QueryConfig, QueryResult } from "pg";
import type { Clock } from "./clock.ts";
import { DatabaseUnavailableError, UnusableDatabaseError } from "./failures.ts";
import { closeForGood, type DatabaseSchema, ormOptions } from "./orm-options.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { databasePatienceMs } from "./retries.ts";
import { beginSessionSql, findPoolerProblem, type SessionRow } from "./session.ts";

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
  /** Whether statements are prepared under names; undefined: where no pooler is in the way. */
  readonly statementNames?: boolean | undefined;
}

/** Makes the ORM on PostgreSQL. The server is reached with the first statement, not before. */
export async function createPostgresOrm(
  databaseUrl: string,
  schema: DatabaseSchema,
  clock: Clock,
  {
    statementTimeoutMs = databasePatienceMs,
    poolSize,
    idleConnections = 3,
    statementNames,
  }: PostgresOptions & { readonly poolSize: number },
): Promise<MikroORM> {
  const { pathname = "/", username = "" } = parseDatabaseUrl(databaseUrl) ?? {};
  // MikroORM's own `clientUrl` would drop the parameters, sslmode among them.
  const hosts = hostUrls(databaseUrl).map(nameSslMode);
  const needsWrites = needsWritableServer(databaseUrl);
  const orm = new MikroORM({
    ...ormOptions(schema),
    dbName: decodeURIComponent(pathname.slice(1) || username),
    driverOptions: {
      connectionString: hosts[0],
      application_name: schema.applicationName,
      max: poolSize,
      min: Math.min(idleConnections, poolSize),
      // Bounds connecting, and waiting for a connection while all are busy.
      connectionTimeoutMillis: databasePatienceMs / hosts.length,
      query_timeout: statementTimeoutMs && statementTimeoutMs + answerTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveAfterMs,
      maxLifetimeSeconds: longestLifeSeconds,
      onConnect: (client: ClientBase) =>
        beginSession(client, clock, statementTimeoutMs, needsWrites),
    },
  });
  // The migrator would create a database that it does not find.
  orm.schema.ensureDatabase = async () => false;
  const pool: PostgresPool = await orm.driver.getConnection().getNativeClient();
  pool.hosts = hosts;
  pool.statementNames = statementNames;
  closeForGood(orm, async () => {
    if (!pool.ending) {
      await pool.end();
    }
  });
  return orm;
}

/** What pg knows of a connection beside what its types tell. */
interface Session extends ClientBase {
  readonly processID?: number | null;
  /** Whether a pooler is in the way. */
  pooled?: boolean;
}

async function beginSession(
  client: Session,
  clock: Clock,
  statementTimeoutMs: number,
  needsWrites: boolean,
): Promise<void> {
  // `query_timeout` is an option of pg's that its types lack; that of the pool may be none.
  const statement: QueryConfig & { query_timeout: number } = {
    text: beginSessionSql(client.processID ?? 0, statementTimeoutMs),
    query_timeout: databasePatienceMs,
  };
  const askedAt = Date.now();
  // With several statements pg answers a list, which its types lack.
  const answer: unknown = await client.query(statement);
  const rows = (answer as readonly QueryResult<SessionRow>[]).at(-1)?.rows ?? [];
  const problem = findPoolerProblem(rows, statementTimeoutMs);
  if (problem !== undefined) {
    throw new UnusableDatabaseError(problem);
  }
  if (needsWrites && rows[0]?.readOnly !== "off") {
    throw new DatabaseUnavailableError(true, new Error("The server takes no writes."));
  }
  clock.compare(askedAt, Number(rows[0]?.databaseMs), Date.now());
  client.pooled = rows[0]?.direct === false;
}
