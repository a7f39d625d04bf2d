import { existsSync } from "node:fs";
import { MikroORM } from "@mikro-orm/pglite";
import { closeForGood } from "./close-for-good.ts";
import { lockDataDirectory } from "./data-directory-lock.ts";
import { makeDataDirectory } from "./new-data-directory.ts";
import { type DatabaseSchema, ormOptions } from "./orm-options.ts";

/**
 * Makes the ORM on PGlite, and starts that.
 *
 * What has been committed survives the end of the process, however it ends. It is the operating
 * system that writes it to the disk: PGlite has no fsync, so a power cut may undo the last commits.
 *
 * @throws StartError when another process works in the data directory
 */
export async function createPgliteOrm(
  dataDirectory: string,
  schema: DatabaseSchema,
): Promise<MikroORM> {
  const lock = lockDataDirectory(dataDirectory);
  try {
    if (!existsSync(dataDirectory)) {
      await makeDataDirectory(dataDirectory);
    }
    const orm = await MikroORM.init({ ...ormOptions(schema), dbName: dataDirectory });
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
