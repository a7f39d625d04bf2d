import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartError } from "../start-error.ts";

/** SQLITE_BUSY: the file is locked. */
const busy = 5;

/**
 * Takes the only lock on a data directory, kept in a file beside it. PGlite itself lets a second
 * process in, and the two ruin the data.
 *
 * The lock is SQLite's on an empty file, which is the operating system's: Node offers no other way
 * to it. It ends with its process, however that ends, where a file with a process id would outlive
 * a crash and then name a stranger.
 *
 * @throws StartError when another process works in it, or this one does already
 */
export function lockDataDirectory(dataDirectory: string): { release(): void } {
  mkdirSync(dirname(dataDirectory), { recursive: true });
  const file = new DatabaseSync(`${dataDirectory}.lock`);
  try {
    file.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    file.close();
    if (error instanceof Error && "errcode" in error && error.errcode === busy) {
      throw new StartError(`The data directory ${dataDirectory} is in use by another process.`, {
        cause: error,
      });
    }
    throw error;
  }
  return {
    release: () => {
      if (file.isOpen) {
        file.close();
      }
    },
  };
}
