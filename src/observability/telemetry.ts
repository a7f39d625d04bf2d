import { setTimeout as delay } from "node:timers/promises";
import {
  describeFailure,
  failureClass,
  type StatementEvent,
} from "@partner-service/postgres-statements";
import { startMetrics, startTraces, tellTroubles } from "@partner-service/rpc-telemetry";
import type { Config } from "../config/config.ts";
import type { Call } from "../context.ts";
import type { CallObserver } from "./calls.ts";
import { listen } from "./listen.ts";
import { type MetricSources, measureService } from "./metrics.ts";

/** What is told of the service to systems for metrics and traces. */
export interface Telemetry {
  readonly observers: readonly CallObserver[];
  readonly metricsUrl: string | undefined;
  /** Hands on what has not been handed on yet, as far as it is taken in time, and ends. */
  close(): Promise<void>;
}

const name = "partner-service";
/** How long a collector has, at the end, to take what is left. */
const lastMs = 2000;

/**
 * Starts what the settings ask for.
 *
 * @param warn is told why something could not be handed on
 * @throws StartError when the port of the metrics cannot be had
 */
export async function startTelemetry(
  config: Config,
  sources: MetricSources,
  warn: (message: string) => void,
): Promise<Telemetry> {
  const { metricsPort, otlpMetrics, otlpTraces } = config;
  const parts: Telemetry[] = [];
  if (metricsPort !== undefined || otlpMetrics || otlpTraces) {
    await tellTroubles(warn);
  }
  if (metricsPort !== undefined || otlpMetrics) {
    parts.push(await measure(config, sources));
  }
  if (otlpTraces) {
    parts.push(await traceCalls(config));
  }
  return {
    observers: parts.flatMap(({ observers }) => observers),
    metricsUrl: parts[0]?.metricsUrl,
    async close() {
      const closed = Promise.all(parts.map((part) => part.close())).catch((failure: unknown) =>
        warn(describeFailure(failure)),
      );
      await Promise.race([closed, delay(lastMs, undefined, { ref: false })]);
    },
  };
}

async function measure(config: Config, sources: MetricSources): Promise<Telemetry> {
  const { metricsPort, metricsHost, otlpMetrics, metricExportIntervalMs } = config;
  const metrics = await startMetrics({
    name,
    otlpIntervalMs: otlpMetrics ? metricExportIntervalMs : undefined,
    scrapes: metricsPort === undefined ? undefined : { port: metricsPort, host: metricsHost },
  });
  const endMeasuring = measureService(metrics, sources);
  return {
    observers: [metrics.calls],
    metricsUrl: metrics.url,
    async close() {
      endMeasuring();
      await metrics.close();
    },
  };
}

/**
 * Traces calls and their statements, which know a call by its signal. The lines of the log of a call that
 * is sampled carry its trace and its span.
 */
async function traceCalls(config: Config): Promise<Telemetry> {
  const traces = await startTraces<Call>({ name, ...config.traces, batches: config.spans });

  function statementEnded(event: StatementEvent): void {
    const { name = "other", calls = [] } = event;
    const sharing = traces
      .sampled()
      .filter((sampled) => calls.some(({ signal }) => signal === sampled.signal));
    if (sharing.length === 0) {
      return;
    }
    traces.shared(sharing, {
      ...{ name, startedAt: event.startedAt, durationMs: event.durationMs },
      attributes: {
        "db.system.name": "postgresql",
        "db.query.summary": name,
        "db.operation.batch.size": calls.length,
      },
      errorType: "failure" in event ? failureClass(event.failure) : undefined,
    });
  }

  const endStatements = listen("postgres-statements.statement", statementEnded);
  return {
    observers: [
      {
        begins(call, { raw }, reply) {
          const span = traces.begins(call, call.path, raw.headers);
          if (span !== undefined) {
            const { traceId, spanId, traceparent } = span;
            reply.header("traceparent", traceparent);
            call.traceId = traceId;
            call.spanId = spanId;
            call.log.setBindings({ traceId, spanId });
          }
        },
        ends: (call) => traces.ends(call, { "partner.request_id": call.callId }),
      },
    ],
    metricsUrl: undefined,
    async close() {
      endStatements();
      await traces.close();
    },
  };
}
