import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Meter } from "@opentelemetry/api";
import type { Histograms } from "./histograms.ts";

/** How often the event loop's delay is measured, in milliseconds. */
const delayResolutionMs = 20;

const collections: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: "minor",
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "major",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "incremental",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weakcb",
};

/** Measures the event loop, the heap and garbage collection, by the conventions for Node and V8. */
export function observeRuntime(meter: Meter, histograms: Histograms): { close(): void } {
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description });

  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
  delay.enable();
  const p50 = gauge("nodejs.eventloop.delay.p50", "s", "Median of the event loop's delay.");
  const p99 = gauge(
    "nodejs.eventloop.delay.p99",
    "s",
    "99th percentile of the event loop's delay.",
  );
  const max = gauge("nodejs.eventloop.delay.max", "s", "Greatest delay of the event loop.");
  meter.addBatchObservableCallback(
    (result) => {
      // The timer that measures adds its own period.
      const secondsOf = (nanoseconds: number) =>
        Math.max(0, nanoseconds / 1e6 - delayResolutionMs) / 1000;
      result.observe(p50, secondsOf(delay.percentile(50)));
      result.observe(p99, secondsOf(delay.percentile(99)));
      result.observe(max, secondsOf(delay.max));
      delay.reset();
    },
    [p50, p99, max],
  );

  let last = performance.eventLoopUtilization();
  gauge(
    "nodejs.eventloop.utilization",
    "1",
    "Share of the time in which the event loop is busy.",
  ).addCallback((result) => {
    const now = performance.eventLoopUtilization();
    result.observe(performance.eventLoopUtilization(now, last).utilization);
    last = now;
  });

  const used = gauge("v8js.memory.heap.used", "By", "Bytes of the heap that are in use.");
  const limit = gauge("v8js.memory.heap.limit", "By", "Bytes that the heap may have.");
  meter.addBatchObservableCallback(
    (result) => {
      const heap = getHeapStatistics();
      result.observe(used, heap.used_heap_size);
      result.observe(limit, heap.heap_size_limit);
    },
    [used, limit],
  );
  gauge("process.memory.usage", "By", "Bytes of memory that the process has (RSS).").addCallback(
    (result) => result.observe(process.memoryUsage.rss()),
  );
  meter
    .createObservableCounter("process.cpu.time", {
      unit: "s",
      description: "CPU time of the process.",
    })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe(user / 1e6, { "cpu.mode": "user" });
      result.observe(system / 1e6, { "cpu.mode": "system" });
    });

  const pauses = histograms.create(
    ...(["v8js.gc.duration", "s", [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1]] as const),
    "Duration of garbage collections.",
    (type: string) => ({ "v8js.gc.type": type }),
  );
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const detail: unknown = "detail" in entry ? entry.detail : undefined;
      // What an entry of this type has.
      const { kind = 0 } = (detail ?? {}) as { readonly kind?: number };
      const type = collections[kind] ?? "other";
      pauses.record(entry.duration / 1000, type, type);
    }
  });
  observer.observe({ entryTypes: ["gc"] });

  return {
    close() {
      observer.disconnect();
      delay.disable();
    },
  };
}
