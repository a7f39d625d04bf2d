import { chmodSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartError } from "../start-error.ts";
import { makeFolder } from "./make-folder.ts";

/** The only lock on a data directory. */
export type DataDirectoryLock = ReturnType<typeof lockDataDirectory>;

/** SQLITE_BUSY: the file is locked. */
const busy = 5;

/**
 * Takes the only lock on a data directory, kept in a file beside it. PGlite itself lets a second
 * process in, and the two ruin the data.
 *
 * The lock is SQLite's, which is the operating system's: Node offers no other way to it. It ends with
 * its process, however that ends, where a file with a process id would outlive a crash and then name
 * a stranger. The file's `user_version` tells a directory that was never made from one that is lost.
 *
 * @throws StartError when another process works in it, or this one does already
 */
export function lockDataDirectory(dataDirectory: string) {
  makeFolder(dirname(dataDirectory));
  const path = `${dataDirectory}.lock`;
  const file = new DatabaseSync(path);
  try {
    // In this mode the lock outlives the transaction that takes it.
    file.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    file.close();
    if (error instanceof Error && "errcode" in error && error.errcode === busy) {
      throw new StartError(`The data directory ${dataDirectory} is in use by another process.`, {
        cause: error,
      });
    }
    throw error;
  }
  chmodSync(path, 0o600);
  return {
    /** Whether the directory has been there whole, now or before. */
    wasMade: file.prepare("PRAGMA user_version").get()?.user_version === 1,
    /** Remembers beside the directory that it is there whole. */
    rememberMade: () => file.exec("PRAGMA user_version = 1; COMMIT; BEGIN EXCLUSIVE"),
    release: () => {
      if (file.isOpen) {
        file.close();
      }
    },
  };
}
