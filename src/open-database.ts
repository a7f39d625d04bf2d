import type { Config } from "./config.ts";
import { useDataDirectory } from "./data-directory.ts";
import { createOrm, migrate, type Orm, pendingMigrations } from "./database/orm.ts";
import { waitForDatabase } from "./database/wait.ts";
import { schema } from "./schema.ts";
import { StartError } from "./start-error.ts";

/**
 * Opens the database of the settings: PostgreSQL, or PGlite in the data directory.
 *
 * @throws StartError
 */
export async function openDatabase(
  { databaseUrl, dataDirectory, databasePoolSize, databaseIdleConnections, statementNames }: Config,
  options: { readonly statementTimeoutMs?: number } = {},
): Promise<Orm> {
  const pool = {
    ...{ poolSize: databasePoolSize, idleConnections: databaseIdleConnections, statementNames },
  };
  return databaseUrl === undefined
    ? await useDataDirectory(dataDirectory, () =>
        createOrm({ dataDirectory: `${dataDirectory}/database` }, schema),
      )
    : await createOrm({ databaseUrl, ...pool, ...options }, schema);
}

/**
 * Waits until the database has its tables. One that is the service's own is migrated; any other must have
 * been.
 *
 * @param tell hears why it waits
 * @throws StartError
 */
export async function prepareDatabase(
  orm: Orm,
  { databaseUrl, databaseWaitMs }: Config,
  tell: (reason: string) => void | Promise<void>,
): Promise<void> {
  if (databaseUrl === undefined) {
    await migrate(orm);
    return;
  }
  const pending = await waitForDatabase(() => pendingMigrations(orm), databaseWaitMs, tell);
  if (pending.length > 0) {
    throw new StartError(
      "The database lacks migrations: run `npm run migrate` with the same DATABASE_URL.",
    );
  }
}
