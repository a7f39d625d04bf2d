import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadResult, Target } from "./load.ts";
import { runProgram } from "./programs.ts";

/** Runs h2load over h2c: on each connection, so many calls are always under way. */
export async function runH2load(
  target: Target,
  connections: number,
  streams: number,
  seconds: number,
): Promise<LoadResult> {
  const directory = await mkdtemp(join(tmpdir(), "partner-bench-h2load-"));
  try {
    const bodyFile = join(directory, "body");
    await writeFile(bodyFile, target.call.body);
    const headers = Object.entries(target.call.headers).flatMap(([name, value]) => [
      "--header",
      `${name}: ${value}`,
    ]);
    const output = await runProgram("h2load", [
      ...["--threads=1", `--clients=${connections}`, `--max-concurrent-streams=${streams}`],
      ...[`--duration=${seconds}`, `--data=${bodyFile}`, ...headers, target.url],
    ]);
    return { ...readResult(output), seconds };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** h2load sees the HTTP status only; a gRPC error shows as a row that is missing. */
function readResult(output: string): Pick<LoadResult, "calls" | "failures"> {
  const requests = /^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored/m.exec(output);
  if (requests === null) {
    throw new Error(`h2load did not report:\n${output}`);
  }
  const [, succeeded, failed] = requests;
  return { calls: Number(succeeded), failures: Number(failed) };
}
