import type { Metrics, MetricsOptions } from "./metrics.ts";
import type { Traces, TracesOptions } from "./traces.ts";

// OpenTelemetry is loaded only where something is asked for: its modules take longer to load than the rest
// of a start.

/** Measures calls and the process, and tells that by OTLP, to Prometheus, or both. */
export async function startMetrics(options: MetricsOptions): Promise<Metrics> {
  return (await import("./metrics.ts")).createMetrics(options);
}

/** Traces calls, and tells of them by OTLP. */
export async function startTraces<Call extends object>(
  options: TracesOptions,
): Promise<Traces<Call>> {
  return (await import("./traces.ts")).createTraces<Call>(options);
}

/** @param warn is told why something could not be handed on */
export async function tellTroubles(warn: (message: string) => void): Promise<void> {
  const { diag, DiagLogLevel } = await import("@opentelemetry/api");
  const { setGlobalErrorHandler } = await import("@opentelemetry/core");
  const tell = (message: string) => warn(message);
  const silent = () => {};
  diag.setLogger(
    { error: tell, warn: tell, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  // Its own handler tells of a failure with its stack, as a text of JSON.
  setGlobalErrorHandler((failure) =>
    // One for each address of a host has no message of its own.
    warn(typeof failure === "string" ? failure : failure.message || String(failure.code)),
  );
}
