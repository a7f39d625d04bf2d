import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, type StartTimes } from "../report/results.ts";
import type { ServerProcess } from "../server-process.ts";
import { startContender, startSandbox } from "../servers.ts";
import { type Bench, say } from "./bench.ts";

const startsMeasured = 5;

/** How long the service takes to be ready, alone on the machine. */
export async function measureStart({ database, publicKeyFile }: Bench): Promise<StartTimes> {
  const times: Record<keyof StartTimes, number[]> = {
    ...{ postgres: [], sandboxFirst: [], sandboxAgain: [] },
  };
  for (let round = 0; round < startsMeasured; round += 1) {
    times.postgres.push(await timeStart(() => startContender("service", database, publicKeyFile)));
    const directory = await mkdtemp(join(tmpdir(), "partner-bench-sandbox-"));
    times.sandboxFirst.push(await timeStart(() => startSandbox(directory)));
    times.sandboxAgain.push(await timeStart(() => startSandbox(directory)));
    await rm(directory, { recursive: true });
  }
  const start = {
    postgres: median(times.postgres),
    sandboxFirst: median(times.sandboxFirst),
    sandboxAgain: median(times.sandboxAgain),
  };
  say(`start to ready, in ms: ${JSON.stringify(start)}`);
  return start;
}

async function timeStart(start: () => Promise<ServerProcess>): Promise<number> {
  const before = performance.now();
  const server = await start();
  const time = performance.now() - before;
  await server.stop();
  return time;
}
