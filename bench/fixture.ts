import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Calls, createCalls } from "./calls.ts";
import { type Database, startDatabase } from "./database.ts";

/** What servers need that are measured. */
export interface Fixture {
  readonly database: Database;
  readonly calls: Calls;
  /** For what servers write; it is gone afterwards, too. */
  readonly directory: string;
  /** Of the key that verifies the calls' token. */
  readonly publicKeyFile: string;
}

/** Lets something be measured on a database of its own, which is gone afterwards. */
export async function withFixture<T>(measure: (fixture: Fixture) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "partner-bench-"));
  const database = await startDatabase();
  try {
    const calls = await createCalls();
    const publicKeyFile = join(directory, "public-key.pem");
    await writeFile(publicKeyFile, calls.publicKey);
    return await measure({ database, calls, directory, publicKeyFile });
  } finally {
    await database.stop();
    await rm(directory, { recursive: true });
  }
}
