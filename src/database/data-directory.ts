import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { getSystemErrorMessage } from "node:util";
import { StartError } from "@partner-service/settings";

/**
 * Runs what works in the data directory, which is made where it is not there.
 *
 * @throws StartError where the system does not let it: the folder is a file, is someone else's, the
 * disk is full
 */
export async function useDataDirectory<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    makeFolder(path);
    return await work();
  } catch (failure) {
    const reason = readReason(failure);
    if (reason === undefined) {
      throw failure;
    }
    throw new StartError(
      `DATA_DIR (${path}) cannot be used: ${reason}. Name a folder that this process may write to.`,
      { cause: failure },
    );
  }
}

/** The system's reason, from an error of Node's own or of its SQLite, which locks the folder. */
function readReason(failure: unknown): string | undefined {
  if (!(failure instanceof Error)) {
    return undefined;
  }
  if ("errno" in failure && typeof failure.errno === "number" && "syscall" in failure) {
    return getSystemErrorMessage(failure.errno);
  }
  return "errstr" in failure && typeof failure.errstr === "string" ? failure.errstr : undefined;
}

/**
 * Makes a folder that only its owner can enter, and those above it, where they are not there. Node's
 * `recursive` never ends where the system takes no folders, as in /proc.
 *
 * @throws the system's error
 */
function makeFolder(path: string): void {
  if (existsSync(path)) {
    return;
  }
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (failure) {
    // Another process may have made it meanwhile.
    if (!existsSync(path)) {
      throw failure;
    }
  }
}
