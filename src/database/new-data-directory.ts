import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

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
