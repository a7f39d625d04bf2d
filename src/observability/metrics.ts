import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { AttributeValue, Meter } from "@opentelemetry/api";
import type { ServerStats } from "@partner-service/one-port-server";
import type { ClockEvent } from "../database/clock.ts";
import type { PoolStats, StatementEvent } from "../database/query.ts";
import type { AuditLogEvent } from "./audit-log.ts";
import { measureCalls } from "./call-metrics.ts";
import type { CallObserver } from "./calls.ts";
import { failureClass } from "./conventions.ts";
import type { Histograms } from "./histograms.ts";
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

/** As the conventions for databases advise. */
const shortSeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const counts = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/**
 * Measures the service. The names follow OpenTelemetry's semantic conventions where these have one, and
 * begin with `partner.` where not. What labels hold is bounded: by the contract, by the routes, by the
 * statements that have names, by the classes of SQLSTATEs.
 */
export function createMetrics(
  meter: Meter,
  histograms: Histograms,
  sources: MetricSources,
): Metrics {
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description });

  /** Counts by one label, and is read as gauges are: that costs a call less than to tell the SDK each time. */
  function counter(name: string, unit: string, label: string, description: string) {
    const numbers = new Map<AttributeValue, number>();
    meter.createObservableCounter(name, { unit, description }).addCallback((result) => {
      for (const [value, number] of numbers) {
        result.observe(number, { [label]: value });
      }
    });
    return (value: AttributeValue, number = 1) => {
      numbers.set(value, (numbers.get(value) ?? 0) + number);
    };
  }

  const statements = measureStatements();
  const calls = measureCalls(meter, histograms);
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
  const runtime = observeRuntime(meter, histograms);

  function measureStatements() {
    const duration = histograms.create(
      ...(["db.client.operation.duration", "s", shortSeconds, "Duration of statements."] as const),
      ({ name, failure }: { readonly name: string; readonly failure: string | undefined }) => ({
        "db.system.name": "postgresql",
        "db.query.summary": name,
        ...(failure === undefined ? {} : { "error.type": failure }),
      }),
    );
    const nameOf = (name: string) => ({ "db.query.summary": name });
    const sharing = histograms.create(
      ...(["partner.statement.calls", "{call}", counts] as const),
      "Calls that share a statement.",
      nameOf,
    );
    const wait = histograms.create(
      ...(["partner.statement.wait", "s", shortSeconds] as const),
      "How long the call that came first had waited for its statement.",
      nameOf,
    );
    const countRetry = counter(
      ...(["partner.statement.retries", "{retry}", "error.type"] as const),
      "Statements that were tried again.",
    );
    return {
      ended(message: unknown): void {
        // What the channel is published with.
        const { name = "other", calls: joined, startedAt, ...event } = message as StatementEvent;
        const failure = "failure" in event ? failureClass(event.failure) : undefined;
        duration.record(event.durationMs / 1000, { name, failure }, name, failure);
        const [first] = joined ?? [];
        if (joined !== undefined && first !== undefined) {
          sharing.record(joined.length, name, name);
          wait.record((startedAt - first.since) / 1000, name, name);
        }
      },
      retried(message: unknown): void {
        const { failure } = message as { readonly failure: unknown };
        countRetry(failureClass(failure));
      },
    };
  }

  function measureTokens(): [string, (message: unknown) => void][] {
    const countToken = counter(
      ...(["partner.tokens", "{token}", "partner.token.remembered"] as const),
      "Access tokens that came, by whether their verification was remembered.",
    );
    const countFetch = counter(
      ...(["partner.keys.fetches", "{fetch}", "partner.keys.fetched"] as const),
      "Fetches of the issuer's keys, by whether they succeeded.",
    );
    return [
      [
        "access-tokens.token",
        (message) => countToken((message as { readonly remembered: boolean }).remembered),
      ],
      [
        "access-tokens.keys",
        (message) => countFetch((message as { readonly fetched: boolean }).fetched),
      ],
    ];
  }

  function measureAudit(): (message: unknown) => void {
    const count = counter(
      ...(["partner.audit.events", "{event}", "partner.audit.written"] as const),
      "Events of the audit trail, by whether they were written, or lost.",
    );
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
      if (written > 0) {
        count(true, written);
      }
      if (lost > 0) {
        count(false, lost);
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
