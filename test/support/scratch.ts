import { chmod, mkdtemp, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where Linux keeps files in memory. In a container there may be next to none of it. */
const memoryDirectory = "/dev/shm";
/** Several times what a run needs. */
const enoughBytes = 2 ** 30;

/**
 * Makes the folder for what the tests write and nobody keeps: in memory, where there is enough of it.
 * Databases are made of thousands of small files, which keep the file system of a disk busy.
 */
export async function makeScratchDirectory(): Promise<string> {
  const memory = await statfs(memoryDirectory).catch(() => undefined);
  const inMemory = memory !== undefined && memory.bavail * memory.bsize >= enoughBytes;
  const parent = inMemory ? memoryDirectory : tmpdir();
  const directory = await mkdtemp(join(parent, "partner-service-"));
  // PostgreSQL, which keeps its data there too, may run as another user.
  await chmod(directory, 0o755);
  return directory;
}

/**
 * Has the processes that the tests start, each with all of the service, find what one that ended by itself has
 * compiled: in the folder, where the environment names none for more than this run.
 */
export function shareCompiledCode(directory: string): void {
  process.env.NODE_COMPILE_CACHE ??= join(directory, "compiled");
}
