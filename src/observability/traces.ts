import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type Context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { Call } from "../context.ts";
import type { StatementEvent } from "../database/query.ts";
import type { CallObserver } from "./calls.ts";
import { failureClass, httpAttributes, rpcAttributes } from "./conventions.ts";

/** The codes by which the conventions have a server say that it has failed itself. */
const serverFailures = new Set([
  ...["unknown", "deadline_exceeded", "unimplemented", "internal", "unavailable", "data_loss"],
]);

/**
 * Traces calls and their statements. A caller's `traceparent` (https://www.w3.org/TR/trace-context/) is
 * taken up, and one is answered; the lines of the log of a call that is sampled carry its trace and its
 * span. The span of a call is kept with the call, and found by the signal that a statement knows it by.
 */
export function createTraces(tracer: Tracer): { readonly calls: CallObserver; close(): void } {
  const propagator = new W3CTraceContextPropagator();
  /** The calls in flight that are sampled. */
  const spans = new Map<Call, Span>();

  const calls: CallObserver = {
    begins(call, request, reply) {
      const { headers } = request.raw;
      const parent: Context = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      const span = tracer.startSpan(call.path, { kind: SpanKind.SERVER }, parent);
      if (!span.isRecording()) {
        return;
      }
      spans.set(call, span);
      const { traceId, spanId } = span.spanContext();
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
      const { rpc, route, requestId, outcome } = call;
      span.updateName(rpc ?? [call.httpMethod, route].filter(Boolean).join(" "));
      span.setAttributes(rpc === undefined ? httpAttributes(call) : rpcAttributes(call));
      span.setAttribute("partner.request_id", requestId);
      if (serverFailures.has(outcome.code)) {
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };

  function statementEnded(message: unknown): void {
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
  return { calls, close: () => unsubscribe("partner-service.statement", statementEnded) };
}
