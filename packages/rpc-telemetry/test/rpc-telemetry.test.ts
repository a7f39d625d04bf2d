import { ROOT_CONTEXT } from "@opentelemetry/api";
import { SamplingDecision, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import { expect, onTestFinished, test } from "vitest";
import { type EndedCall, startMetrics, startTraces } from "../src/index.ts";

const greeting: EndedCall = {
  protocol: "grpc",
  rpc: "acme.v1.GreetService/Greet",
  outcome: { code: "not_found", reason: "NOBODY_THERE" },
  durationMs: 7,
  received: 12,
  sent: 600,
  httpMethod: "POST",
  httpStatus: 200,
  route: "/acme.v1.GreetService/Greet",
};
const page: EndedCall = {
  ...greeting,
  protocol: undefined,
  rpc: undefined,
  outcome: { code: "ok" },
  httpMethod: "BREW",
  route: "/pages/:id",
};

test("A call, a request that reaches no RPC, and what a service adds are told to Prometheus", async () => {
  const metrics = await startMetrics({
    ...{ name: "greeter", otlpIntervalMs: undefined, scrapes: { port: 0, host: "127.0.0.1" } },
  });
  onTestFinished(() => metrics.close());
  metrics.calls.begins();
  metrics.calls.begins();
  metrics.calls.begins();
  metrics.calls.ends(greeting);
  metrics.calls.ends(page);
  metrics.createCounter("greetings", "{greeting}", "tone", "Greetings.")("polite", 2);
  metrics.addGauge("guests", "{guest}", "Guests.", (observe) => observe(3, { room: "hall" }));

  const text = await (await fetch(String(metrics.url))).text();
  const own = text.split("\n").filter((line) => /^(rpc|http|greetings|guests)/.test(line));
  const rpc = 'rpc_method="acme.v1.GreetService/Greet"';
  expect(own.filter((line) => !line.includes("_bucket"))).toEqual([
    "http_server_active_requests 1",
    'greetings_total{tone="polite"} 2',
    'guests{room="hall"} 3',
    `rpc_server_call_duration_count{rpc_system_name="grpc",${rpc},rpc_status_code="NOT_FOUND",error_type="NOBODY_THERE"} 1`,
    `rpc_server_call_duration_sum{rpc_system_name="grpc",${rpc},rpc_status_code="NOT_FOUND",error_type="NOBODY_THERE"} 0.007`,
    'http_server_request_duration_count{http_request_method="_OTHER",http_route="/pages/:id",http_response_status_code="200",rpc_status_code="OK"} 1',
    'http_server_request_duration_sum{http_request_method="_OTHER",http_route="/pages/:id",http_response_status_code="200",rpc_status_code="OK"} 0.007',
    `http_server_request_body_size_count{${rpc}} 1`,
    `http_server_request_body_size_sum{${rpc}} 12`,
    `http_server_response_body_size_count{${rpc}} 1`,
    `http_server_response_body_size_sum{${rpc}} 600`,
  ]);
  expect(own).toContain(`http_server_response_body_size_bucket{${rpc},le="512"} 0`);
  expect(own).toContain(`http_server_response_body_size_bucket{${rpc},le="1024"} 1`);
});

const batches = {
  ...{ scheduledDelayMillis: 60_000, exportTimeoutMillis: 100 },
  ...{ maxQueueSize: 10, maxExportBatchSize: 10 },
};

test("A call is traced below its caller's span, where the sampler takes it", async () => {
  const traces = await startTraces<object>({
    ...{ name: "greeter", sampler: "parentbased_always_off", sampleRatio: 1, batches },
  });
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const begin = (flags: string) => {
    const traceparent = `00-${traceId}-00f067aa0ba902b7-${flags}`;
    return traces.begins({}, "greet", { traceparent });
  };
  expect(begin("01")).toEqual({
    traceId,
    spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
    traceparent: expect.stringMatching(`^00-${traceId}-[0-9a-f]{16}-01$`),
  });
  expect(begin("00")).toBeUndefined();
  expect(traces.begins({}, "greet", {})).toBeUndefined();
});

test.each([
  ["traceidratio", 0.25, 1000],
  ["parentbased_traceidratio", 0.25, 1000],
  ["traceidratio", 1, 4000],
  ["always_on", 0, 4000],
  ["traceidratio", 0, 0],
  ["always_off", 1, 0],
])(
  "Of the traces that begin here, %s %d takes its share, as the SDK does by their ids",
  async (sampler, sampleRatio, share) => {
    const traces = await startTraces<object>({ name: "greeter", sampler, sampleRatio, batches });
    const ids = Array.from({ length: 4000 }, () => traces.begins({}, "greet", {})?.traceId);
    const taken = ids.filter((id) => id !== undefined);
    // Six deviations of what chance makes of a quarter; what is taken twice would be a sixteenth.
    expect(Math.abs(taken.length - share)).toBeLessThan(165);
    expect(taken.length % 4000 === 0).toBe(share % 4000 === 0);
    const bySdk = new TraceIdRatioBasedSampler(share / 4000);
    for (const id of taken) {
      expect(id).toMatch(/^[0-9a-f]{32}$/);
      expect(bySdk.shouldSample(ROOT_CONTEXT, id).decision).toBe(
        SamplingDecision.RECORD_AND_SAMPLED,
      );
    }
    expect(new Set(taken).size).toBe(taken.length);
  },
);
