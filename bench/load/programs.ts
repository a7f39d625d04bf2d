import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs a program and returns what it printed, on stdout and stderr. */
export async function runProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout, stderr } = await run(program, [...args], {
    env: { ...process.env, ...environment },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout + stderr;
}

/** The version that a program names, or undefined where the machine does not have it. */
export async function findProgram(program: string): Promise<string | undefined> {
  try {
    return readVersion(await runProgram(program, ["--version"]));
  } catch (failure) {
    if (!(failure instanceof Error)) {
      throw failure;
    }
    if ("code" in failure && failure.code === "ENOENT") {
      return undefined;
    }
    // wrk prints its version and exits with 1.
    return "stdout" in failure ? readVersion(String(failure.stdout)) : undefined;
  }
}

function readVersion(output: string): string {
  return /\d+(\.\d+)+/.exec(output)?.[0] ?? "unknown";
}
