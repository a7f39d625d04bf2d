import type { Attributes, Meter } from "@opentelemetry/api";
import { type EndedCall, httpAttributes, rpcAttributes } from "./conventions.ts";
import type { Histograms } from "./histograms.ts";

/** Is told of each call once when it begins and once when it is over. */
export interface CallMetrics {
  begins(): void;
  ends(call: EndedCall): void;
}

/** As the conventions for RPC advise. */
const seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const bytes = [128, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

/** Measures calls: how long they take, what they come to, how many there are, and their bodies. */
export function measureCalls(meter: Meter, histograms: Histograms): CallMetrics {
  const duration = histograms.create(
    ...(["rpc.server.call.duration", "s", seconds, "Duration of calls."] as const),
    rpcAttributes,
  );
  const httpDuration = histograms.create(
    ...(["http.server.request.duration", "s", seconds] as const),
    "Duration of requests that reach no RPC.",
    (attributes: Attributes) => attributes,
  );
  const rpcOf = ({ rpc }: EndedCall) => ({ "rpc.method": rpc });
  const received = histograms.create(
    ...(["http.server.request.body.size", "By", bytes] as const),
    "Bytes of request bodies of RPCs, as they travel.",
    rpcOf,
  );
  const sent = histograms.create(
    ...(["http.server.response.body.size", "By", bytes] as const),
    "Bytes of response bodies of RPCs, as they travel.",
    rpcOf,
  );
  let active = 0;
  meter
    .createObservableUpDownCounter("http.server.active_requests", {
      unit: "{request}",
      description: "Requests in flight.",
    })
    .addCallback((result) => result.observe(active));

  return {
    begins() {
      active += 1;
    },
    ends(call) {
      active -= 1;
      const { rpc, protocol, outcome } = call;
      if (rpc === undefined) {
        const attributes = httpAttributes(call);
        httpDuration.record(call.durationMs / 1000, attributes, ...Object.values(attributes));
        return;
      }
      duration.record(call.durationMs / 1000, call, rpc, protocol, outcome.code, outcome.reason);
      received.record(call.received, call, rpc);
      sent.record(call.sent, call, rpc);
    },
  };
}
