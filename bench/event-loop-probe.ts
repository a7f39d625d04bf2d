import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

/**
 * Loaded into a server's process with `--import`: writes how late its event loop was, at the worst
 * and in the 99th percentile of the last second, to the file that EVENT_LOOP_PROBE_FILE names.
 */
export interface EventLoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

const file = process.env.EVENT_LOOP_PROBE_FILE;
if (file === undefined) {
  throw new Error("EVENT_LOOP_PROBE_FILE must be set.");
}
const resolutionMs = 5;
const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
histogram.enable();
setInterval(() => {
  // The histogram holds the whole time between its ticks, in nanoseconds.
  const delayMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs);
  const delay: EventLoopDelay = {
    p99Ms: delayMs(histogram.percentile(99)),
    maxMs: delayMs(histogram.max),
  };
  histogram.reset();
  writeFileSync(file, JSON.stringify(delay));
}, 1000).unref();
