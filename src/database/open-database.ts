import {
  createOrm,
  type DatabaseSchema,
  migrate,
  type Orm,
  pendingMigrations,
  UnusableDatabaseError,
  waitForDatabase,
} from "@partner-service/postgres-statements";
import { StartError } from "@partner-service/settings";
import { ChangeEpochEntity } from "../changes/change-epoch.ts";
import type { Config } from "../config/config.ts";
import { PartnerEntity, PurgeEntity } from "../partners/partner-entity.ts";
import { useDataDirectory } from "./data-directory.ts";
import { migrations } from "./migrations.ts";

/** What the service keeps in its database, and how its tables came to be. */
export const schema: DatabaseSchema = {
  applicationName: "partner-service",
  entities: [PartnerEntity, PurgeEntity, ChangeEpochEntity],
  migrations,
};

/**
 * Opens the database of the settings: PostgreSQL, or PGlite in the data directory.
 *
 * @throws StartError
 */
export function openDatabase(
  { databaseUrl, dataDirectory, pool }: Config,
  options: { readonly statementTimeoutMs?: number } = {},
): Promise<Orm> {
  return orStartError(() =>
    databaseUrl === undefined
      ? useDataDirectory(dataDirectory, () =>
          createOrm({ dataDirectory: `${dataDirectory}/database` }, schema),
        )
      : createOrm({ databaseUrl, ...pool, ...options }, schema),
  );
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
  config: Config,
  tell: (reason: string) => void,
): Promise<void> {
  if (config.databaseUrl === undefined) {
    await migrate(orm);
    return;
  }
  const pending = await whenDatabaseAnswers(() => pendingMigrations(orm), config, tell);
  if (pending.length > 0) {
    throw new StartError(
      "The database lacks migrations: run `npm run migrate` with the same DATABASE_URL.",
    );
  }
}

/**
 * Does something with the database, which may not be there yet, for as long as the settings wait.
 *
 * @param tell hears why it waits
 * @throws StartError
 */
export function whenDatabaseAnswers<T>(
  attempt: () => Promise<T>,
  { databaseWaitMs }: Config,
  tell: (reason: string) => void,
): Promise<T> {
  return orStartError(() => waitForDatabase(attempt, databaseWaitMs, tell));
}

/** What keeps the database from being used stops the start. */
async function orStartError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    throw failure instanceof UnusableDatabaseError
      ? new StartError(failure.message, { cause: failure })
      : failure;
  }
}
