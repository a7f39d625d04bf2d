/**
 * Metrics and traces of RPCs by OpenTelemetry's conventions, for Connect on Node.
 *
 * @module
 */
export type { EndedCall } from "./conventions.ts";
export { createMetricSum, type MetricSum } from "./metric-sum.ts";
export type { Metrics, MetricsOptions } from "./metrics.ts";
export { serveScrapes } from "./scrapes.ts";
export { findOtlpExports, telemetrySettings } from "./settings.ts";
export { startMetrics, startTraces, tellTroubles } from "./telemetry.ts";
export { traceIdOf } from "./trace-context.ts";
export type { CallSpan, SharedWork, Traces, TracesOptions } from "./traces.ts";
