import { MikroORM } from "@mikro-orm/postgresql";
import { closeForGood } from "./close-for-good.ts";
import { parseDatabaseUrl } from "./database-url.ts";
import { type DatabaseSchema, ormOptions } from "./orm-options.ts";
import { databasePatienceMs } from "./retries.ts";

const applicationName = "partner-service";
/** More connections would wait for the same few CPUs and disks on the server instead of here. */
const poolSize = 10;
/** Connections that stay open while nobody calls, so that the first who does waits for none. */
const idleConnections = 3;
/** What the server's own timeout gets before this side takes the connection for dead. */
const answerTimeoutMs = 1000;

/** What is used here of a pool of pg, whose package brings no types. */
interface Pool {
  readonly ending: boolean;
  end(): Promise<void>;
}

/** Makes the ORM on PostgreSQL. The server is reached with the first statement, not before. */
export async function createPostgresOrm(
  databaseUrl: string,
  schema: DatabaseSchema,
  statementTimeoutMs = databasePatienceMs,
): Promise<MikroORM> {
  const { pathname = "/", username = "" } = parseDatabaseUrl(databaseUrl) ?? {};
  const orm = await MikroORM.init({
    ...ormOptions(schema),
    dbName: decodeURIComponent(pathname.slice(1) || username),
    driverOptions: {
      // MikroORM's own `clientUrl` would drop the parameters, sslmode among them.
      connectionString: databaseUrl,
      application_name: applicationName,
      max: poolSize,
      min: idleConnections,
      // Bounds connecting, and waiting for a connection while all are busy.
      connectionTimeoutMillis: databasePatienceMs,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs && statementTimeoutMs + answerTimeoutMs,
      keepAlive: true,
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
