// What it takes to count a call's duration, and to decide that a trace is not sampled:
// `node packages/rpc-telemetry/measure.ts`.
import { ROOT_CONTEXT } from "@opentelemetry/api";
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { RandomIdGenerator, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import { rpcAttributes } from "./src/conventions.ts";
import { createHistograms } from "./src/histograms.ts";
import { createIdDraw } from "./src/sampled-ids.ts";

const rounds = 9;
const records = 200_000;
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const call = {
  protocol: "connect",
  rpc: "acme.v1.GreetService/Greet",
  outcome: { code: "ok" },
  ...{ durationMs: 7, received: 12, sent: 600 },
  ...{ httpMethod: "POST", httpStatus: 200, route: undefined },
};

const exporter = {
  export: () => {},
  forceFlush: async () => {},
  shutdown: async () => {},
  selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
};
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const bySdk = new MeterProvider({ readers: [reader] })
  .getMeter("measure")
  .createHistogram("duration", { advice: { explicitBucketBoundaries: boundaries } });
const byKey = createHistograms("measure").create("duration", "s", boundaries, "", rpcAttributes);

const ids = new RandomIdGenerator();
const sampler = new TraceIdRatioBasedSampler(0.01);
const drawId = createIdDraw(0.01, ids);

const ways: Readonly<Record<string, () => void>> = {
  "a duration, by OpenTelemetry's SDK": () => bySdk.record(0.007, rpcAttributes(call)),
  "a duration, by a key": () =>
    byKey.record(0.007, call, call.rpc, call.protocol, call.outcome.code),
  "whether to sample, by the SDK's ids and sampler": () =>
    sampler.shouldSample(ROOT_CONTEXT, ids.generateTraceId()),
  "whether to sample, by drawing an id": () => drawId(),
};
for (const [title, record] of Object.entries(ways)) {
  const times = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    for (let count = 0; count < records; count += 1) {
      record();
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / records;
  });
  const middle = times.toSorted((one, other) => one - other)[Math.floor(rounds / 2)] ?? Number.NaN;
  console.log(`${title.padEnd(50)} ${middle.toFixed(2)} µs of CPU a call`);
}
process.exit();
