import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { UnusableDatabaseError } from "./failures.ts";

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
 * @throws UnusableDatabaseError when another process works in it, or this one does already
 */
export function lockDataDirectory(dataDirectory: string) {
  const path = `${dataDirectory}.lock`;
  const file = new DatabaseSync(path);
  try {
    // In this mode the lock outlives the transaction that takes it.
    file.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    file.close();
    if (error instanceof Error && "errcode" in error && error.errcode === busy) {
      throw new UnusableDatabaseError(
        `The data directory ${dataDirectory} is in use by another process.`,
        {
          cause: error,
        },
      );
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

/**
 * Makes a data directory for PGlite as initdb would, which takes PGlite several times as long: it is
 * a copy of what initdb made for the publisher of PGlite, for exactly this version of it.
 *
 * The directory is there whole, or not at all, wherever the process is killed. PGlite itself would
 * take one that has been written in part for a database.
 */
export async function makeDataDirectory(dataDirectory: string): Promise<void> {
  // Only who makes a data directory pays for reading this.
  const { dataDir } = await import("@electric-sql/pglite-prepopulatedfs");
  const archive = await (await dataDir()).arrayBuffer();
  const unfinished = `${dataDirectory}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  for (const { name, content } of entriesOf(gunzipSync(archive))) {
    const path = join(unfinished, name);
    if (content === undefined) {
      mkdirSync(path, { mode: 0o700 });
    } else {
      writeFileSync(path, content, { mode: 0o600 });
    }
  }
  renameSync(unfinished, dataDirectory);
}

interface Entry {
  readonly name: string;
  /** Undefined for a directory. */
  readonly content: Buffer | undefined;
}

/** Reads a tar archive: blocks of 512 bytes, a header before each file, and zeros at the end. */
function* entriesOf(archive: Buffer): Generator<Entry> {
  const blockSize = 512;
  const text = (start: number, end: number) =>
    archive.toString("latin1", start, end).replace(/\0.*/s, "");
  for (let start = 0; archive[start] !== 0; ) {
    const name = text(start, start + 100);
    const size = Number.parseInt(text(start + 124, start + 136), 8);
    const isDirectory = text(start + 156, start + 157) === "5";
    const contentStart = start + blockSize;
    yield {
      name,
      content: isDirectory ? undefined : archive.subarray(contentStart, contentStart + size),
    };
    start = contentStart + Math.ceil(size / blockSize) * blockSize;
  }
}
