import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createLeveledLog, openLogLines } from "@partner-service/log-lines";
import { listenToSignals, runProcesses } from "@partner-service/processes";
import type { Config } from "../config/config.ts";
import { serveSummedMetrics } from "./summed-metrics.ts";

/** What a process tells once it serves. */
export interface Started {
  readonly url: string;
  readonly metricsUrl: string | undefined;
  /** What a person reads, in the sandbox. */
  readonly welcome: string | undefined;
}

/**
 * Runs as many processes as PROCESSES says.
 *
 * @throws StartError where METRICS_PORT cannot be listened on
 */
export async function runService(config: Config): Promise<void> {
  const lines = openLogLines(process.stdout);
  process.once("exit", lines.flush);
  const log = createLeveledLog(config.logLevel, lines);
  const signals = listenToSignals();
  const metrics = await serveSummedMetrics(config);
  const processes = await runProcesses<Started>({
    file: join(import.meta.dirname, "worker.ts"),
    count: config.processes,
    log,
    environment: nameInstance,
    onStart: metrics.follow,
    readCounts: metrics.read,
    onComplete({ url, welcome }) {
      if (metrics.url !== undefined) {
        log.info({ url: metrics.url }, "metrics");
      }
      if (welcome === undefined) {
        log.info({ url, processes: config.processes }, "ready");
      } else {
        lines.write(welcome);
      }
    },
  });
  signals.serve({
    log,
    async stop() {
      const clean = await processes.stop();
      metrics.close();
      return clean;
    },
    reload: processes.replace,
  });
}

/** By this OTLP tells processes apart. What is named last counts. */
function nameInstance() {
  const { OTEL_RESOURCE_ATTRIBUTES: attributes = "" } = process.env;
  const instance = `service.instance.id=${randomUUID()}`;
  return { OTEL_RESOURCE_ATTRIBUTES: attributes === "" ? instance : `${attributes},${instance}` };
}
