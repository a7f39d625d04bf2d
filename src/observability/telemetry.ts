import type { Config } from "../config.ts";
import type { CallObserver } from "./calls.ts";
import type { Histograms } from "./histograms.ts";
import type { MetricSources } from "./metrics.ts";
import { serveScrapes } from "./scrapes.ts";

/** What is told of the service to systems for metrics and traces. */
export interface Telemetry {
  readonly observers: readonly CallObserver[];
  /** Where Prometheus finds the metrics; undefined where it does not. */
  readonly metricsUrl: string | undefined;
  /** Hands on what has not been handed on yet, and ends. */
  close(): Promise<void>;
}

type TelemetryConfig = Pick<
  Config,
  | "metricsPort"
  | "metricsHost"
  | "otlpMetrics"
  | "metricExportIntervalMs"
  | "otlpTraces"
  | "tracesSampler"
  | "tracesSampleRatio"
  | "spanDelayMs"
  | "spanTimeoutMs"
  | "maxSpans"
  | "maxSpansPerExport"
>;

/**
 * Starts what the settings ask for. OpenTelemetry is loaded only then: its modules take longer to load
 * than the rest of a start.
 *
 * @param warn is told why something could not be handed on
 * @throws StartError when the port of the metrics cannot be had
 */
export async function startTelemetry(
  config: TelemetryConfig,
  sources: MetricSources,
  warn: (message: string) => void,
): Promise<Telemetry> {
  const { metricsPort, otlpMetrics, otlpTraces } = config;
  const parts: Telemetry[] = [];
  if (metricsPort !== undefined || otlpMetrics || otlpTraces) {
    await tellTroubles(warn);
  }
  if (metricsPort !== undefined || otlpMetrics) {
    parts.push(await startMetrics(config, sources));
  }
  if (otlpTraces) {
    parts.push(await startTraces(config));
  }
  return {
    observers: parts.flatMap(({ observers }) => observers),
    metricsUrl: parts[0]?.metricsUrl,
    async close() {
      await Promise.all(parts.map((part) => part.close()));
    },
  };
}

async function tellTroubles(warn: (message: string) => void): Promise<void> {
  const { diag, DiagLogLevel } = await import("@opentelemetry/api");
  const tell = (message: string) => warn(message);
  const silent = () => {};
  diag.setLogger(
    { error: tell, warn: tell, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

async function startMetrics(config: TelemetryConfig, sources: MetricSources): Promise<Telemetry> {
  const { metricsPort, otlpMetrics } = config;
  const [{ createMetrics }, { createHistograms }, sdk, { createResource }] = await Promise.all([
    import("./metrics.ts"),
    import("./histograms.ts"),
    import("@opentelemetry/sdk-metrics"),
    import("./resource.ts"),
  ]);
  const histograms = createHistograms();
  const prometheus =
    metricsPort === undefined ? undefined : await openScrapes(config, metricsPort, histograms);
  const readers = [
    ...(prometheus === undefined ? [] : [prometheus.reader]),
    ...(otlpMetrics ? [await openMetricExport(config, histograms)] : []),
  ];
  const provider = new sdk.MeterProvider({ resource: createResource(), readers });
  const metrics = createMetrics(provider.getMeter("partner-service"), histograms, sources);
  return {
    observers: [metrics.calls],
    metricsUrl: prometheus?.url,
    async close() {
      metrics.close();
      prometheus?.close();
      await provider.shutdown();
    },
  };
}

async function startTraces(config: TelemetryConfig): Promise<Telemetry> {
  const [{ createTraces }, sdk, { OTLPTraceExporter }, { createResource }] = await Promise.all([
    import("./traces.ts"),
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/exporter-trace-otlp-proto"),
    import("./resource.ts"),
  ]);
  const root = config.tracesSampler.endsWith("always_on")
    ? new sdk.AlwaysOnSampler()
    : config.tracesSampler.endsWith("always_off")
      ? new sdk.AlwaysOffSampler()
      : new sdk.TraceIdRatioBasedSampler(config.tracesSampleRatio);
  const traces = createTraces({
    resource: createResource(),
    sampler: config.tracesSampler.startsWith("parentbased")
      ? new sdk.ParentBasedSampler({ root })
      : root,
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        // Takes its own settings from the environment: OTEL_EXPORTER_OTLP_….
        exporter: new OTLPTraceExporter(),
        scheduledDelayMillis: config.spanDelayMs,
        exportTimeoutMillis: config.spanTimeoutMs,
        maxQueueSize: config.maxSpans,
        maxExportBatchSize: config.maxSpansPerExport,
      }),
    ],
  });
  return { observers: [traces.calls], metricsUrl: undefined, close: traces.close };
}

async function openMetricExport(
  { metricExportIntervalMs }: TelemetryConfig,
  histograms: Histograms,
) {
  const [{ InstrumentType, PeriodicExportingMetricReader }, { OTLPMetricExporter }] =
    await Promise.all([
      import("@opentelemetry/sdk-metrics"),
      import("@opentelemetry/exporter-metrics-otlp-proto"),
    ]);
  // Takes its own settings from the environment: OTEL_EXPORTER_OTLP_….
  const exporter = new OTLPMetricExporter();
  const temporality = exporter.selectAggregationTemporality(InstrumentType.HISTOGRAM);
  return new PeriodicExportingMetricReader({
    exporter,
    metricProducers: [histograms.producer(temporality)],
    exportIntervalMillis: metricExportIntervalMs,
    exportTimeoutMillis: Math.min(metricExportIntervalMs, 30_000),
  });
}

async function openScrapes(config: TelemetryConfig, port: number, histograms: Histograms) {
  const [{ AggregationTemporality }, { PrometheusExporter }] = await Promise.all([
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/exporter-prometheus"),
  ]);
  const reader = new PrometheusExporter({
    // Its own server cannot take a free port.
    preventServerStart: true,
    withoutScopeInfo: true,
    metricProducers: [histograms.producer(AggregationTemporality.CUMULATIVE)],
  });
  const scrapes = await serveScrapes(config, port, (request, response) => {
    reader.getMetricsRequestHandler(request, response);
  });
  return { reader, ...scrapes };
}
