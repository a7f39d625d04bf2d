import { joinProcesses } from "@partner-service/processes";
import { runCommand } from "@partner-service/settings";
import { readConfig } from "../config/config.ts";
import type { Started } from "./primary.ts";
import { startServiceProcess } from "./service-process.ts";

/** One of the processes of PROCESSES: the service, which its primary starts and speaks for. */
async function main(): Promise<void> {
  let isReady = async () => false;
  const others = joinProcesses<Started>({
    isReady: () => isReady(),
    leave: () => signals.end("replaced", service.leave),
  });
  const { metricsPort, ...config } = readConfig(process.env);
  const own = {
    ...config,
    // Its metrics are for the primary.
    ...{ metricsHost: "127.0.0.1", metricsPort: metricsPort === undefined ? undefined : 0 },
  };
  const { service, signals, welcome } = await startServiceProcess(own, {
    joinReadiness(alone) {
      isReady = alone.isReady;
      return { ...alone, isReady: others.areAllReady };
    },
    counted: others.hasCounted,
  });
  const { url, metricsUrl } = service;
  await others.serves({ url, metricsUrl, welcome });
}

await runCommand(main);
