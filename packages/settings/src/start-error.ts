/**
 * A start fails for a reason outside the code. The message is one line: it names the setting or the
 * place, says what to do, and holds no secret.
 */
export class StartError extends Error {
  override readonly name = "StartError";
}

/**
 * Runs a command. What its user can mend is told in one line on stderr, with LOG_LEVEL=debug also
 * where it came from, and ends the process with 1.
 */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (failure) {
    if (!(failure instanceof StartError)) {
      throw failure;
    }
    console.error(failure.message);
    if (["debug", "trace"].includes(process.env.LOG_LEVEL ?? "")) {
      console.error(failure);
    }
    // Not only the exit code: what the start has begun may go on.
    process.exit(1);
  }
}
