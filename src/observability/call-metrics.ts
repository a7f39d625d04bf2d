import type { IncomingMessage, ServerResponse } from "node:http";
import type { Attributes, Meter } from "@opentelemetry/api";
import type { Call } from "../context.ts";
import type { CallObserver, EndedCall } from "./calls.ts";
import { httpAttributes, rpcAttributes } from "./conventions.ts";
import type { Histograms } from "./histograms.ts";

/** As the conventions for RPC advise. */
const seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const bytes = [128, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

/** Measures calls: how long they take, what they come to, how many there are, and their bodies. */
export function measureCalls(meter: Meter, histograms: Histograms): CallObserver {
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
    begins(call, request, reply) {
      active += 1;
      call.bodyBytes = countBodies(request.raw, reply.raw);
    },
    ends(call) {
      active -= 1;
      const { rpc, protocol, outcome, bodyBytes } = call;
      if (rpc === undefined) {
        const attributes = httpAttributes(call);
        httpDuration.record(call.durationMs / 1000, attributes, ...Object.values(attributes));
        return;
      }
      duration.record(call.durationMs / 1000, call, rpc, protocol, outcome.code, outcome.reason);
      received.record(bodyBytes?.received ?? 0, call, rpc);
      sent.record(bodyBytes?.sent ?? 0, call, rpc);
    },
  };
}

/** Counts what passes: Node does not tell how long a body was that did not say so itself. */
function countBodies(
  request: IncomingMessage,
  response: ServerResponse,
): NonNullable<Call["bodyBytes"]> {
  // Some of a body may have come while the request waited for its turn.
  const bytes = { received: request.readableLength, sent: 0 };
  const { push } = request;
  request.push = (chunk: Uint8Array | null, encoding) => {
    bytes.received += chunk?.length ?? 0;
    return push.call(request, chunk, encoding);
  };
  // Each of them takes what is written first, and at most two more.
  type Write = (chunk: unknown, more: unknown, done: unknown) => unknown;
  const counted = (write: Write): Write =>
    function (this: ServerResponse, chunk, more, done) {
      if (typeof chunk === "string" || chunk instanceof Uint8Array) {
        bytes.sent += Buffer.byteLength(chunk);
      }
      return write.call(this, chunk, more, done);
    };
  const own = response as { write: Write; end: Write };
  own.write = counted(own.write);
  // That of HTTP/2 calls `write`.
  if (!("stream" in response)) {
    own.end = counted(own.end);
  }
  return bytes;
}
