import { hostname } from "node:os";
import type { LogLines } from "@partner-service/log-lines";
import type { Config } from "../config.ts";
import type { ProcessLog } from "../signals.ts";

/** As pino numbers them, which writes the log of the service. */
const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: Infinity };

/** The primary's own log: lines like those of the service, without what writes these being loaded. */
export function createLog(least: Config["logLevel"], lines: Pick<LogLines, "write">): ProcessLog {
  const tell =
    (level: number) =>
    (fields: object, msg: string): void => {
      if (level >= levels[least]) {
        const origin = { level, time: Date.now(), pid: process.pid, hostname: hostname() };
        lines.write(`${JSON.stringify({ ...origin, ...fields, msg })}\n`);
      }
    };
  return {
    info: tell(levels.info),
    warn: tell(levels.warn),
    error: tell(levels.error),
    fatal: tell(levels.fatal),
  };
}
