import type { Attributes } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { type CallMetrics, measureCalls } from "./call-metrics.ts";
import { createHistograms, type Histograms } from "./histograms.ts";
import { createResource } from "./resource.ts";
import { observeRuntime } from "./runtime-metrics.ts";
import { type ScrapeAddress, serveScrapes } from "./scrapes.ts";

export interface MetricsOptions {
  /** Of the service, where OTEL_SERVICE_NAME does not say another. */
  readonly name: string;
  /** How often OTLP is told; undefined: never. Where it is, the standard variables say. */
  readonly otlpIntervalMs: number | undefined;
  /** Undefined where Prometheus does not ask. */
  readonly scrapes: ScrapeAddress | undefined;
}

export interface Metrics {
  readonly calls: CallMetrics;
  readonly createHistogram: Histograms["create"];
  /** Makes what counts by one label. */
  createCounter(
    name: string,
    unit: string,
    label: string,
    description: string,
  ): (value: string | boolean, number?: number) => void;
  /** Has a state read when the metrics are. */
  addGauge(
    name: string,
    unit: string,
    description: string,
    read: (observe: (value: number, attributes?: Attributes) => void) => void | Promise<void>,
  ): void;
  /** Where Prometheus finds the metrics. */
  readonly url: string | undefined;
  /** Hands on what has not been handed on yet, and ends. */
  close(): Promise<void>;
}

/**
 * Measures calls and the process, and what else is added.
 *
 * @throws StartError where Prometheus cannot be listened for
 */
export async function createMetrics(options: MetricsOptions): Promise<Metrics> {
  const { name, otlpIntervalMs, scrapes } = options;
  const histograms = createHistograms(name);
  const scraped = scrapes && createScrapeReader(histograms);
  const provider = new MeterProvider({
    resource: createResource(name),
    readers: [
      ...(scraped === undefined ? [] : [scraped]),
      ...(otlpIntervalMs === undefined ? [] : [createOtlpReader(histograms, otlpIntervalMs)]),
    ],
  });
  const meter = provider.getMeter(name);
  const served =
    scrapes &&
    scraped &&
    (await serveScrapes(scrapes, (request, response) =>
      scraped.getMetricsRequestHandler(request, response),
    ));
  const runtime = observeRuntime(meter, histograms);
  return {
    calls: measureCalls(meter, histograms),
    createHistogram: histograms.create,
    // It is read as gauges are: that costs a call less than to tell the SDK each time.
    createCounter(counter, unit, label, description) {
      const numbers = new Map<string | boolean, number>();
      meter.createObservableCounter(counter, { unit, description }).addCallback((result) => {
        for (const [value, number] of numbers) {
          result.observe(number, { [label]: value });
        }
      });
      return (value, number = 1) => {
        numbers.set(value, (numbers.get(value) ?? 0) + number);
      };
    },
    addGauge(gauge, unit, description, read) {
      meter
        .createObservableGauge(gauge, { unit, description })
        .addCallback((result) => read((value, attributes) => result.observe(value, attributes)));
    },
    url: served?.url,
    async close() {
      served?.close();
      runtime.close();
      await provider.shutdown();
    },
  };
}

function createScrapeReader(histograms: Histograms): PrometheusExporter {
  return new PrometheusExporter({
    // Its own server cannot take a free port.
    preventServerStart: true,
    withoutScopeInfo: true,
    metricProducers: [histograms.producer(AggregationTemporality.CUMULATIVE)],
  });
}

function createOtlpReader(histograms: Histograms, intervalMs: number) {
  // Takes its own settings from the environment: OTEL_EXPORTER_OTLP_….
  const exporter = new OTLPMetricExporter();
  const temporality = exporter.selectAggregationTemporality(InstrumentType.HISTOGRAM);
  return new PeriodicExportingMetricReader({
    exporter,
    metricProducers: [histograms.producer(temporality)],
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(intervalMs, 30_000),
  });
}
