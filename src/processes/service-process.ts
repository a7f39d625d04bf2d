import { setFlagsFromString } from "node:v8";
import { openLogLines } from "@partner-service/log-lines";
import { listenToSignals } from "@partner-service/processes";
import type { Config } from "../config/config.ts";
import { describeSandbox } from "../sandbox/welcome.ts";
import { type Membership, startService } from "../service.ts";

/** Starts the service in this process: its log is on stdout, and it obeys signals. */
export async function startServiceProcess(config: Config, membership?: Membership) {
  const lines = openLogLines(process.stdout);
  process.once("exit", lines.flush);
  const signals = listenToSignals();
  const service = await startService(config, { level: config.logLevel, stream: lines }, membership);
  const { url, app, sandbox, stop, reload } = service;
  signals.serve({ log: app.log, stop, reload });
  const organization = crypto.randomUUID();
  const token = await sandbox?.createToken(organization);
  const welcome = token && describeSandbox(url, config.dataDirectory, organization, token);
  // Where much of what belongs to calls has outlived minor collections, as when all are traced for a while, V8 would
  // make that among what is old from then on, with which all stays that it refers to: minor collections (`--trace-gc`)
  // take several times as long then, until the process ends. Set any earlier, the flag makes the start longer.
  setFlagsFromString("--no-allocation-site-pretenuring");
  // Past the log, a full disk under stdout would end the process.
  return { service, signals, welcome, tell: lines.write };
}

/** Runs the service in this process alone, and says when it is ready. */
export async function runAlone(config: Config): Promise<void> {
  const { service, welcome, tell } = await startServiceProcess(config);
  if (service.metricsUrl !== undefined) {
    service.app.log.info({ url: service.metricsUrl }, "metrics");
  }
  if (welcome === undefined) {
    service.app.log.info({ url: service.url }, "ready");
  } else {
    tell(welcome);
  }
}
