import {
  any,
  type Kind,
  oneOf,
  optional,
  type Settings,
  setting,
  type Values,
  whole,
} from "@partner-service/settings";

const milliseconds = whole(1, 3_600_000);

const endpoint: Kind<string> = {
  type: "URL",
  rule: "must be a URL that begins with http:// or https://",
  read: (text) => (/^https?:$/.test(URL.parse(text)?.protocol ?? "") ? text : undefined),
};

const share: Kind<number> = {
  type: "0 to 1",
  rule: "must be a number from 0 to 1",
  read: (text) => (/^[\d.]+$/.test(text) && Number(text) <= 1 ? Number(text) : undefined),
};

/**
 * Where Prometheus finds the metrics, and the variables of OpenTelemetry's SDKs that a service reads itself
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 */
export const telemetrySettings = {
  metricsPort: optional("METRICS_PORT", whole(0, 65_535), "no port").for(
    "the port on which Prometheus finds the metrics at `/metrics`; 0 takes a free one",
  ),
  metricsHost: setting("METRICS_HOST", any("text"), "127.0.0.1").for("the address of that port"),
  otel: {
    disabled: setting("OTEL_SDK_DISABLED", oneOf("false", "true"), "false").for(
      "true: neither metrics nor traces, whatever else is set",
    ),
    metricsExporter: optional(
      "OTEL_METRICS_EXPORTER",
      oneOf("none", "otlp"),
      "otlp where they have an endpoint, else none",
    ).for(
      "whether metrics are exported by OTLP over HTTP, as OpenTelemetry's variables OTEL_EXPORTER_OTLP_… say",
    ),
    tracesExporter: optional(
      "OTEL_TRACES_EXPORTER",
      oneOf("none", "otlp"),
      "otlp where they have an endpoint, else none",
    ).for("whether traces are, sampled as OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say"),
    endpoint: optional("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).for(
      "where OTLP goes: `http://localhost:4318`",
    ),
    metricsEndpoint: optional(
      "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
      endpoint,
      "OTEL_EXPORTER_OTLP_ENDPOINT, `/v1/metrics`",
    ).for("where metrics go: `http://localhost:9090/api/v1/otlp/v1/metrics`"),
    tracesEndpoint: optional(
      "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
      endpoint,
      "OTEL_EXPORTER_OTLP_ENDPOINT, `/v1/traces`",
    ).for("where traces go: `http://localhost:4318/v1/traces`"),
  },
  traces: {
    sampler: setting(
      "OTEL_TRACES_SAMPLER",
      oneOf(
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
      ),
      "parentbased_always_on",
    ).for(
      "which calls are traced; parentbased: as the caller's `traceparent` says, where it has one",
    ),
    sampleRatio: setting("OTEL_TRACES_SAMPLER_ARG", share, 1).for(
      "the share of the calls that traceidratio takes: 0.01",
    ),
  },
  spans: {
    scheduledDelayMillis: setting("OTEL_BSP_SCHEDULE_DELAY", milliseconds, 5_000).for(
      "how long a span waits for others that are exported with it",
    ),
    exportTimeoutMillis: setting("OTEL_BSP_EXPORT_TIMEOUT", milliseconds, 30_000).for(
      "how long an export of spans may take",
    ),
    maxQueueSize: setting("OTEL_BSP_MAX_QUEUE_SIZE", whole(1, 1_000_000), 2_048).for(
      "the most spans that wait; further ones are dropped",
    ),
    maxExportBatchSize: setting("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", whole(1, 1_000_000), 512).for(
      "the most spans that are exported together, which then do not wait for others",
    ),
  },
  metricExportIntervalMs: setting("OTEL_METRIC_EXPORT_INTERVAL", whole(100, 3_600_000), 60_000).for(
    "how often metrics are exported by OTLP",
  ),
} as const satisfies Settings;

/** What is handed on by OTLP: what has an endpoint, where no exporter is named. */
export function findOtlpExports(otel: Values<typeof telemetrySettings.otel>) {
  const isExported = (exporter: "none" | "otlp" | undefined, endpoint = otel.endpoint) =>
    otel.disabled === "false" &&
    (exporter === undefined ? endpoint !== undefined : exporter === "otlp");
  return {
    otlpMetrics: isExported(otel.metricsExporter, otel.metricsEndpoint),
    otlpTraces: isExported(otel.tracesExporter, otel.tracesEndpoint),
  };
}
