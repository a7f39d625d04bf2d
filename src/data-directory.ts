import { getSystemErrorMessage } from "node:util";
import { StartError } from "./start-error.ts";

/**
 * Runs what works in the data directory.
 *
 * @throws StartError where the system does not let it: the folder is a file, is someone else's, the
 * disk is full
 */
export async function useDataDirectory<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
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
