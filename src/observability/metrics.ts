import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Meter } from "@opentelemetry/api";
import type { ServerStats } from "@partner-service/one-port-server";
import type { Call } from "../context.ts";
import type { ClockEvent } from "../database/clock.ts";
import type { PoolStats, StatementEvent } from "../database/query.ts";
import type { AuditLogEvent } from "./audit-log.ts";
import type { CallObserver } from "./calls.ts";
import { failureClass, httpAttributes, rpcAttributes } from "./conventions.ts";
import { observeRuntime } from "./runtime-metrics.ts";

/** What is read when the metrics are. */
export interface MetricSources {
  port(): ServerStats;
  certificateExpiresAt(): Date | undefined;
  /** The connections to PostgreSQL; undefined on PGlite. */
  pool(): Promise<PoolStats | undefined>;
  /** Calls that wait for a statement. */
  waitingCalls(): number;
}

export interface Metrics {
  readonly calls: CallObserver;
  close(): void;
}

/** As the conventions for RPC and databases advise. */
const seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const shortSeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const bytes = [128, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];
const counts = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/**
 * Measures the service. The names follow OpenTelemetry's semantic conventions where these have one, and
 * begin with `partner.` where not. What labels hold is bounded: by the contract, by the routes, by the
 * statements that have names, by the classes of SQLSTATEs.
 */
export function createMetrics(meter: Meter, sources: MetricSources): Metrics {
  const histogram = (name: string, unit: string, boundaries: number[], description: string) =>
    meter.createHistogram(name, {
      unit,
      description,
      advice: { explicitBucketBoundaries: boundaries },
    });
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description });

  const statements = measureStatements();
  const calls = measureCalls();
  const subscriptions = new Map<string, (message: unknown) => void>([
    ["partner-service.statement", statements.ended],
    ["partner-service.retry", statements.retried],
    ["partner-service.audit", measureAudit()],
    ["partner-service.clock", measureClock()],
    ...measureTokens(),
  ]);
  for (const [name, listener] of subscriptions) {
    subscribe(name, listener);
  }
  observeDatabase();
  observePort();
  const runtime = observeRuntime(meter);

  function measureCalls(): CallObserver {
    const duration = histogram("rpc.server.call.duration", "s", seconds, "Duration of calls.");
    const httpDuration = histogram(
      ...(["http.server.request.duration", "s", seconds] as const),
      "Duration of requests that reach no RPC.",
    );
    const received = histogram(
      ...(["http.server.request.body.size", "By", bytes] as const),
      "Bytes of request bodies of RPCs, as they travel.",
    );
    const sent = histogram(
      ...(["http.server.response.body.size", "By", bytes] as const),
      "Bytes of response bodies of RPCs, as they travel.",
    );
    let active = 0;
    const sizes = new WeakMap<Call, BodySizes>();
    meter
      .createObservableUpDownCounter("http.server.active_requests", {
        unit: "{request}",
        description: "Requests in flight.",
      })
      .addCallback((result) => result.observe(active));

    return {
      begins(call, request, reply) {
        active += 1;
        sizes.set(call, countBodies(request.raw, reply.raw));
      },
      ends(call) {
        active -= 1;
        if (call.rpc === undefined) {
          httpDuration.record(call.durationMs / 1000, httpAttributes(call));
          return;
        }
        const { rpc } = call;
        duration.record(call.durationMs / 1000, rpcAttributes(call));
        const { received: asked = 0, sent: answered = 0 } = sizes.get(call) ?? {};
        received.record(asked, { "rpc.method": rpc });
        sent.record(answered, { "rpc.method": rpc });
      },
    };
  }

  function measureStatements() {
    const duration = histogram(
      ...(["db.client.operation.duration", "s", shortSeconds] as const),
      "Duration of statements.",
    );
    const sharing = histogram(
      ...(["partner.statement.calls", "{call}", counts] as const),
      "Calls that share a statement.",
    );
    const wait = histogram(
      ...(["partner.statement.wait", "s", shortSeconds] as const),
      "How long the call that came first had waited for its statement.",
    );
    const retries = meter.createCounter("partner.statement.retries", {
      unit: "{retry}",
      description: "Statements that were tried again.",
    });
    return {
      ended(message: unknown): void {
        // What the channel is published with.
        const { name = "other", calls: joined, startedAt, ...event } = message as StatementEvent;
        const summary = { "db.query.summary": name };
        duration.record(event.durationMs / 1000, {
          "db.system.name": "postgresql",
          ...summary,
          ...("failure" in event ? { "error.type": failureClass(event.failure) } : {}),
        });
        const [first] = joined ?? [];
        if (joined !== undefined && first !== undefined) {
          sharing.record(joined.length, summary);
          wait.record((startedAt - first.since) / 1000, summary);
        }
      },
      retried(message: unknown): void {
        const { failure } = message as { readonly failure: unknown };
        retries.add(1, { "error.type": failureClass(failure) });
      },
    };
  }

  function measureTokens(): [string, (message: unknown) => void][] {
    const tokens = meter.createCounter("partner.tokens", {
      unit: "{token}",
      description: "Access tokens that came, by whether their verification was remembered.",
    });
    const fetches = meter.createCounter("partner.keys.fetches", {
      unit: "{fetch}",
      description: "Fetches of the issuer's keys, by whether they succeeded.",
    });
    return [
      [
        "partner-service.token",
        (message) => {
          const { remembered } = message as { readonly remembered: boolean };
          tokens.add(1, { "partner.token.remembered": remembered });
        },
      ],
      [
        "partner-service.keys",
        (message) => {
          const { fetched } = message as { readonly fetched: boolean };
          fetches.add(1, { "partner.keys.fetched": fetched });
        },
      ],
    ];
  }

  function measureAudit(): (message: unknown) => void {
    const events = meter.createCounter("partner.audit.events", {
      unit: "{event}",
      description: "Events of the audit trail, by whether they were written, or lost.",
    });
    let last: Pick<AuditLogEvent, "waiting" | "failing"> = { waiting: 0, failing: false };
    gauge(
      ...(["partner.audit.failing", "1"] as const),
      "1 while the audit trail cannot be written, else 0.",
    ).addCallback((result) => result.observe(last.failing ? 1 : 0));
    gauge(
      ...(["partner.audit.waiting", "By"] as const),
      "Bytes of events that wait to be written.",
    ).addCallback((result) => result.observe(last.waiting));
    return (message) => {
      const { written, lost, ...state } = message as AuditLogEvent;
      last = state;
      for (const [number, isWritten] of [
        [written, true],
        [lost, false],
      ] as const) {
        if (number > 0) {
          events.add(number, { "partner.audit.written": isWritten });
        }
      }
    };
  }

  function measureClock(): (message: unknown) => void {
    let aheadMs = 0;
    gauge(
      ...(["partner.clock.offset", "s"] as const),
      "How far the database's clock is ahead of this machine's; 0 below a second.",
    ).addCallback((result) => result.observe(aheadMs / 1000));
    return (message) => {
      ({ aheadMs } = message as ClockEvent);
    };
  }

  function observeDatabase(): void {
    const connections = gauge(
      ...(["db.client.connection.count", "{connection}"] as const),
      "Connections to the database.",
    );
    const pending = gauge(
      ...(["db.client.connection.pending_requests", "{request}"] as const),
      "Statements that wait for a connection.",
    );
    const max = gauge(
      ...(["db.client.connection.max", "{connection}"] as const),
      "The most connections to the database.",
    );
    meter.addBatchObservableCallback(
      async (result) => {
        const pool = await sources.pool();
        if (pool !== undefined) {
          const state = (name: string) => ({ "db.client.connection.state": name });
          result.observe(connections, pool.idle, state("idle"));
          result.observe(connections, pool.total - pool.idle, state("used"));
          result.observe(pending, pool.waiting);
          result.observe(max, pool.max);
        }
      },
      [connections, pending, max],
    );
    gauge("partner.calls.waiting", "{call}", "Calls that wait for a statement.").addCallback(
      (result) => result.observe(sources.waitingCalls()),
    );
  }

  function observePort(): void {
    const connections = gauge(
      ...(["partner.connections", "{connection}"] as const),
      "Connections of callers, by protocol.",
    );
    const requests = gauge(
      ...(["partner.streams", "{request}"] as const),
      "Requests of HTTP/1.1 and streams of HTTP/2 that are open.",
    );
    const waiting = gauge(
      ...(["partner.waiting", "By"] as const),
      "Bytes of answers that wait for callers to take them.",
    );
    meter.addBatchObservableCallback(
      (result) => {
        const stats = sources.port();
        for (const [protocol, number] of Object.entries(stats.connections)) {
          result.observe(connections, number, { "partner.protocol": protocol });
        }
        result.observe(requests, stats.requests);
        result.observe(waiting, stats.waitingBytes);
      },
      [connections, requests, waiting],
    );
    gauge(
      ...(["partner.certificate.expiry", "s"] as const),
      "When the certificate ends, as a Unix time.",
    ).addCallback((result) => {
      const end = sources.certificateExpiresAt();
      if (end !== undefined) {
        result.observe(end.getTime() / 1000);
      }
    });
  }

  return {
    calls,
    close() {
      runtime.close();
      for (const [name, listener] of subscriptions) {
        unsubscribe(name, listener);
      }
    },
  };
}

interface BodySizes {
  received: number;
  sent: number;
}

/** Counts what passes: Node does not tell how long a body was that did not say so itself. */
function countBodies(request: IncomingMessage, response: ServerResponse): BodySizes {
  // Some of a body may have come while the request waited for its turn.
  const sizes = { received: request.readableLength, sent: 0 };
  const { push } = request;
  request.push = (chunk: Uint8Array | null, encoding) => {
    sizes.received += chunk?.length ?? 0;
    return push.call(request, chunk, encoding);
  };
  const count = (chunk: unknown) => {
    if (typeof chunk === "string" || chunk instanceof Uint8Array) {
      sizes.sent += Buffer.byteLength(chunk);
    }
  };
  // Each of them takes what is written first, whatever else.
  type Write = (...args: unknown[]) => unknown;
  const counted = (method: Write) =>
    function (this: ServerResponse, ...args: unknown[]) {
      count(args[0]);
      return method.apply(this, args);
    };
  Object.assign(response, { write: counted(response.write as Write) });
  // That of HTTP/2 calls `write`.
  if (!("stream" in response)) {
    Object.assign(response, { end: counted(response.end as Write) });
  }
  return sizes;
}
