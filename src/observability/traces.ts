import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type Context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  RandomIdGenerator,
  SamplingDecision,
  TracerProvider,
  type TracerProviderOptions,
} from "@opentelemetry/sdk-trace";
import type { Call } from "../context.ts";
import type { StatementEvent } from "../database/query.ts";
import type { CallObserver } from "./calls.ts";
import { failureClass, httpAttributes, rpcAttributes } from "./conventions.ts";

/** The codes by which the conventions have a server say that it has failed itself. */
const serverFailures = new Set([
  ...["unknown", "deadline_exceeded", "unimplemented", "internal", "unavailable", "data_loss"],
]);

interface Traces {
  readonly calls: CallObserver;
  /** Hands on what has not been handed on yet, and ends. */
  close(): Promise<void>;
}

/**
 * Traces calls and their statements. A caller's `traceparent` (https://www.w3.org/TR/trace-context/) is
 * taken up, and one is answered; the lines of the log of a call that is sampled carry its trace and its
 * span. The span of a call is kept with the call, and found by the signal that a statement knows it by.
 *
 * Whether a call is sampled is decided before anything is made for it. The SDK decides by the same id
 * again, when it makes the span.
 */
export function createTraces({
  sampler,
  ...options
}: TracerProviderOptions & Required<Pick<TracerProviderOptions, "sampler">>): Traces {
  const ids = new RandomIdGenerator();
  let traceId = "";
  const idGenerator = {
    generateTraceId: () => traceId,
    generateSpanId: () => ids.generateSpanId(),
  };
  const provider = new TracerProvider({ ...options, sampler, idGenerator });
  const tracer = provider.getTracer("partner-service");
  const propagator = new W3CTraceContextPropagator();
  /** The calls in flight that are sampled. */
  const spans = new Map<Call, Span>();

  const calls: CallObserver = {
    begins(call, request, reply) {
      const { headers } = request.raw;
      const parent: Context = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      traceId = trace.getSpanContext(parent)?.traceId ?? ids.generateTraceId();
      const kind = SpanKind.SERVER;
      const { decision } = sampler.shouldSample(parent, traceId, call.path, kind, {}, []);
      if (decision === SamplingDecision.NOT_RECORD) {
        return;
      }
      const span = tracer.startSpan(call.path, { kind }, parent);
      spans.set(call, span);
      const { spanId } = span.spanContext();
      reply.header("traceparent", `00-${traceId}-${spanId}-01`);
      call.traceId = traceId;
      call.log = call.log.child({ traceId, spanId });
      request.log = call.log;
    },
    ends(call) {
      const span = spans.get(call);
      if (span === undefined) {
        return;
      }
      spans.delete(call);
      const { rpc, route, callId, outcome } = call;
      span.updateName(rpc ?? [call.httpMethod, route].filter(Boolean).join(" "));
      span.setAttributes(rpc === undefined ? httpAttributes(call) : rpcAttributes(call));
      span.setAttribute("partner.request_id", callId);
      if (serverFailures.has(outcome.code)) {
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };

  function statementEnded(message: unknown): void {
    if (spans.size === 0) {
      return;
    }
    // What the channel is published with.
    const { name = "other", calls: joined = [], ...event } = message as StatementEvent;
    const signals = new Set(joined.map(({ signal }) => signal));
    const sharing = [...spans]
      .filter(([{ signal }]) => signal !== undefined && signals.has(signal))
      .map(([, span]) => span);
    const [first] = sharing;
    if (first === undefined) {
      return;
    }
    const startTime = performance.timeOrigin + event.startedAt;
    const span = tracer.startSpan(
      name,
      {
        kind: SpanKind.CLIENT,
        startTime,
        attributes: {
          "db.system.name": "postgresql",
          "db.query.summary": name,
          "db.operation.batch.size": joined.length,
        },
        links: sharing.map((one) => ({ context: one.spanContext() })),
      },
      trace.setSpan(ROOT_CONTEXT, first),
    );
    if ("failure" in event) {
      span.setAttribute("error.type", failureClass(event.failure));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end(startTime + event.durationMs);
  }

  subscribe("partner-service.statement", statementEnded);
  return {
    calls,
    async close() {
      unsubscribe("partner-service.statement", statementEnded);
      await provider.shutdown();
    },
  };
}
