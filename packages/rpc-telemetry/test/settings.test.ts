import { readSettings } from "@partner-service/settings";
import { expect, test } from "vitest";
import { findOtlpExports, telemetrySettings } from "../src/index.ts";

test.each([
  [{}, { otlpMetrics: false, otlpTraces: false }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a" }, { otlpMetrics: true, otlpTraces: true }],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://a" }, { otlpMetrics: false, otlpTraces: true }],
  [{ OTEL_METRICS_EXPORTER: "otlp" }, { otlpMetrics: true, otlpTraces: false }],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a", OTEL_TRACES_EXPORTER: "none" },
    { otlpMetrics: true, otlpTraces: false },
  ],
  [
    { OTEL_SDK_DISABLED: "true", OTEL_METRICS_EXPORTER: "otlp" },
    { otlpMetrics: false, otlpTraces: false },
  ],
])("With %j, OTLP has %j", (environment, exported) => {
  expect(findOtlpExports(readSettings(telemetrySettings, environment).otel)).toEqual(exported);
});
