import { hostname } from "node:os";
import type { LogLines } from "./log-lines.ts";

/** As pino numbers them. */
const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: Infinity };

export type LeveledLog = ReturnType<typeof createLeveledLog>;

/** A log of lines like pino's, for a process that is better off without loading it, or has not yet. */
export function createLeveledLog(least: keyof typeof levels, lines: Pick<LogLines, "write">) {
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
