import { DataDirectoryInUseError } from "./database/data-directory-lock.ts";
import { ConfigError } from "./setting.ts";

/** Runs a command. What its user can mend is told in one line, and ends the process with 1. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (failure) {
    if (!(failure instanceof ConfigError || failure instanceof DataDirectoryInUseError)) {
      throw failure;
    }
    console.error(failure.message);
    process.exitCode = 1;
  }
}
