import type { IncomingHttpHeaders } from "node:http";
import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { type EndedCall, httpAttributes, rpcAttributes } from "./conventions.ts";
import { createResource } from "./resource.ts";
import { createIdDraw } from "./sampled-ids.ts";

export interface TracesOptions {
  /** Of the service, where OTEL_SERVICE_NAME does not say another. */
  readonly name: string;
  /** As OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say it. */
  readonly sampler: string;
  readonly sampleRatio: number;
  /** How spans are handed on by OTLP; where, the standard variables say. */
  readonly batches: {
    readonly scheduledDelayMillis: number;
    readonly exportTimeoutMillis: number;
    readonly maxQueueSize: number;
    readonly maxExportBatchSize: number;
  };
}

/** The span of a call. */
export interface CallSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** For the answer's header (https://www.w3.org/TR/trace-context/). */
  readonly traceparent: string;
}

/** What calls have had done for them: a statement, say. */
export interface SharedWork {
  readonly name: string;
  /** When it began, by the clock of `performance`, and how long it took, in milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly attributes: Attributes;
  /** What it failed with; undefined: it did not. */
  readonly errorType: string | undefined;
}

/** Traces calls, each of which is known by an object. */
export interface Traces<Call extends object> {
  /** Begins the span of a call, where it is sampled; a caller's `traceparent` is taken up. */
  begins(call: Call, name: string, headers: IncomingHttpHeaders): CallSpan | undefined;
  ends(call: Call & EndedCall, attributes: Attributes): void;
  /** The calls under way that are sampled: few, or none, as a rule. */
  sampled(): readonly Call[];
  /** Tells of work that is over, below the first of the sampled calls that share it, linked with all. */
  shared(calls: readonly Call[], work: SharedWork): void;
  /** Hands on what has not been handed on yet, and ends. */
  close(): Promise<void>;
}

/** The codes by which the conventions have a server say that it has failed itself. */
const serverFailures = new Set([
  ...["unknown", "deadline_exceeded", "unimplemented", "internal", "unavailable", "data_loss"],
]);

/**
 * Traces calls and what is done for them. Whether a call is sampled is decided before anything is made
 * for it. The SDK decides by the id again, to the same end, when it makes the span.
 */
export function createTraces<Call extends object>(options: TracesOptions): Traces<Call> {
  const ids = new RandomIdGenerator();
  let traceId = "";
  const idGenerator = {
    generateTraceId: () => traceId,
    generateSpanId: () => ids.generateSpanId(),
  };
  const rootRatio = readRootRatio(options);
  const drawId = createIdDraw(rootRatio, ids);
  const sampler = createSampler(options.sampler, rootRatio);
  const provider = new TracerProvider({
    resource: createResource(options.name),
    sampler,
    idGenerator,
    spanProcessors: [
      new BatchSpanProcessor({
        // Takes its own settings from the environment: OTEL_EXPORTER_OTLP_….
        exporter: new OTLPTraceExporter(),
        ...options.batches,
      }),
    ],
  });
  const tracer = provider.getTracer(options.name);
  const propagator = new W3CTraceContextPropagator();
  /** Of the calls in flight that are sampled. */
  const spans = new Map<Call, Span>();

  return {
    begins(call, name, headers) {
      const parent: Context = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      const id = trace.getSpanContext(parent)?.traceId ?? drawId();
      if (id === undefined) {
        return undefined;
      }
      const kind = SpanKind.SERVER;
      const { decision } = sampler.shouldSample(parent, id, name, kind, {}, []);
      if (decision === SamplingDecision.NOT_RECORD) {
        return undefined;
      }
      traceId = id;
      const span = tracer.startSpan(name, { kind }, parent);
      spans.set(call, span);
      const { spanId } = span.spanContext();
      return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
    },
    ends(call, attributes) {
      const span = spans.get(call);
      if (span === undefined) {
        return;
      }
      spans.delete(call);
      const { rpc, httpMethod, route, outcome } = call;
      span.updateName(rpc ?? [httpMethod, route].filter(Boolean).join(" "));
      span.setAttributes(rpc === undefined ? httpAttributes(call) : rpcAttributes(call));
      span.setAttributes(attributes);
      if (serverFailures.has(outcome.code)) {
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
    sampled: () => [...spans.keys()],
    shared(calls, { name, durationMs, attributes, errorType, ...work }) {
      const sharing = calls.flatMap((call) => spans.get(call) ?? []);
      const [first] = sharing;
      if (first === undefined) {
        return;
      }
      const startTime = performance.timeOrigin + work.startedAt;
      const links = sharing.map((one) => ({ context: one.spanContext() }));
      const kind = SpanKind.CLIENT;
      const below = trace.setSpan(ROOT_CONTEXT, first);
      const span = tracer.startSpan(name, { kind, startTime, attributes, links }, below);
      if (errorType !== undefined) {
        span.setAttribute("error.type", errorType);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end(startTime + durationMs);
    },
    close: () => provider.shutdown(),
  };
}

/** The share of the traces that begin here. */
function readRootRatio({ sampler, sampleRatio }: TracesOptions): number {
  return sampler.endsWith("always_on") ? 1 : sampler.endsWith("always_off") ? 0 : sampleRatio;
}

function createSampler(name: string, rootRatio: number) {
  const root = new TraceIdRatioBasedSampler(rootRatio);
  return name.startsWith("parentbased") ? new ParentBasedSampler({ root }) : root;
}
