import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { MikroORM } from "@mikro-orm/pglite";
import { type DataDirectoryLock, lockDataDirectory, makeDataDirectory } from "./data-directory.ts";
import { UnusableDatabaseError } from "./failures.ts";
import { closeForGood, type DatabaseSchema, ormOptions } from "./orm-options.ts";
import { sessionSql } from "./session.ts";

/**
 * Makes the ORM on PGlite, and starts that.
 *
 * What has been committed survives the end of the process, however it ends. It is the operating
 * system that writes it to the disk: PGlite has no fsync, so a power cut may undo the last commits.
 *
 * @throws UnusableDatabaseError when another process works in the data directory, and when there is no database
 * any more, or none that can be opened
 */
export async function createPgliteOrm(
  dataDirectory: string,
  schema: DatabaseSchema,
): Promise<MikroORM> {
  const lock = lockDataDirectory(dataDirectory);
  try {
    await prepareDataDirectory(dataDirectory, lock);
    const { orm, pglite } = await open(dataDirectory, schema);
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

/** Makes the data directory the first time. A database that has vanished is not replaced by an empty one. */
async function prepareDataDirectory(directory: string, lock: DataDirectoryLock): Promise<void> {
  if (existsSync(join(directory, "PG_VERSION"))) {
    // Of a version that left its files to the rights of the folder above.
    chmodSync(directory, 0o700);
  } else if (lock.wasMade || (existsSync(directory) && readdirSync(directory).length > 0)) {
    throw new UnusableDatabaseError(
      `The database in ${directory} is gone. Bring the folder back from a backup of DATA_DIR, or ` +
        "remove all of DATA_DIR to begin anew.",
    );
  } else {
    await makeDataDirectory(directory);
  }
  if (!lock.wasMade) {
    lock.rememberMade();
  }
}

/**
 * The system caches the files. PostgreSQL's own cache, of 128 MB, would take as much memory, and time of
 * each start.
 */
const smallCache = ["-c", "shared_buffers=16MB"];

async function open(directory: string, schema: DatabaseSchema) {
  try {
    const driverOptions = { startParams: [...PGlite.defaultStartParams, ...smallCache] };
    const orm = new MikroORM({ ...ormOptions(schema), dbName: directory, driverOptions });
    const pglite = await orm.driver.getConnection().getNativeClient();
    await pglite.query(sessionSql);
    return { orm, pglite };
  } catch (cause) {
    const version = readFileSync(join(directory, "PG_VERSION"), "utf8").trim();
    throw new UnusableDatabaseError(
      `The database in ${directory}, of PostgreSQL ${version.slice(0, 10)}, cannot be opened: it is ` +
        "damaged, or of another version. Bring DATA_DIR back from a backup, or name another one.",
      { cause },
    );
  }
}
