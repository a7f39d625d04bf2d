import type { Config } from "./config.ts";
import { useDataDirectory } from "./data-directory.ts";
import { createOrm, type Orm } from "./database/orm.ts";
import { schema } from "./schema.ts";

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
