import { median } from "../report/results.ts";
import { startContender } from "../servers.ts";
import { type Bench, say } from "./bench.ts";

const startsMeasured = 5;

/** How long the service takes to be ready, alone on the machine. */
export async function measureStart({ database, publicKeyFile }: Bench): Promise<number> {
  const times: number[] = [];
  for (let start = 0; start < startsMeasured; start += 1) {
    const before = performance.now();
    const server = await startContender("service", database, publicKeyFile);
    times.push(performance.now() - before);
    await server.stop();
  }
  say(`start to ready: ${Math.round(median(times))} ms`);
  return median(times);
}
