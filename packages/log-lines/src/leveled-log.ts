import { hostname } from "node:os";
import type { LogLines } from "./log-lines.ts";

/** As pino numbers them. */
const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: Infinity };

export type LeveledLog = ReturnType<typeof createLeveledLog>;

/**
 * A log of lines like pino's, for a process that is better off without loading it, or has not yet, and for lines
 * that are many: a line is made into JSON at once, where pino does so value by value.
 */
export function createLeveledLog(least: keyof typeof levels, lines: Pick<LogLines, "write">) {
  const tell = (level: number) => {
    const origin = `"pid":${process.pid},"hostname":${JSON.stringify(hostname())}`;
    return (fields: object, msg: string): void => {
      if (level >= levels[least]) {
        const members = JSON.stringify({ ...fields, msg }).slice(1);
        lines.write(`{"level":${level},"time":${Date.now()},${origin},${members}\n`);
      }
    };
  };
  return {
    info: tell(levels.info),
    warn: tell(levels.warn),
    error: tell(levels.error),
    fatal: tell(levels.fatal),
  };
}
