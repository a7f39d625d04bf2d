import type { AuditLogEvent } from "@partner-service/log-lines";
import type { ServerStats } from "@partner-service/one-port-server";
import {
  type ClockEvent,
  failureClass,
  type PoolStats,
  type StatementEvent,
} from "@partner-service/postgres-statements";
import type { Metrics } from "@partner-service/rpc-telemetry";
import { listen } from "./listen.ts";

/** What is read when the metrics are. */
export interface MetricSources {
  port(): ServerStats;
  certificateExpiresAt(): Date | undefined;
  /** The connections to PostgreSQL; undefined on PGlite. */
  pool(): Promise<PoolStats | undefined>;
  /** Calls that wait for a statement. */
  waitingCalls(): number;
}

/** As the conventions for databases advise. */
const shortSeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const counts = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/**
 * Measures what is this service's own. The names follow OpenTelemetry's semantic conventions where these
 * have one, and begin with `partner.` where not. What labels hold is bounded: by the statements that have
 * names, by the classes of SQLSTATEs.
 *
 * @returns what ends it
 */
export function measureService(metrics: Metrics, sources: MetricSources): () => void {
  const { addGauge, createCounter, createHistogram } = metrics;
  const subscriptions = [
    ...measureStatements(),
    ...measureTokens(),
    measureAudit(),
    measureClock(),
  ];
  observeDatabase();
  observePort();
  return () => {
    for (const end of subscriptions) {
      end();
    }
  };

  function measureStatements(): readonly (() => void)[] {
    const duration = createHistogram(
      ...(["db.client.operation.duration", "s", shortSeconds, "Duration of statements."] as const),
      ({ name, failure }: { readonly name: string; readonly failure: string | undefined }) => ({
        "db.system.name": "postgresql",
        "db.query.summary": name,
        ...(failure === undefined ? {} : { "error.type": failure }),
      }),
    );
    const nameOf = (name: string) => ({ "db.query.summary": name });
    const sharing = createHistogram(
      ...(["partner.statement.calls", "{call}", counts] as const),
      "Calls that share a statement.",
      nameOf,
    );
    const wait = createHistogram(
      ...(["partner.statement.wait", "s", shortSeconds] as const),
      "How long the call that came first had waited for its statement.",
      nameOf,
    );
    const countRetry = createCounter(
      ...(["partner.statement.retries", "{retry}", "error.type"] as const),
      "Statements that were tried again.",
    );
    return [
      listen("postgres-statements.statement", (event: StatementEvent) => {
        const { name = "other", calls: joined, startedAt } = event;
        const failure = "failure" in event ? failureClass(event.failure) : undefined;
        duration.record(event.durationMs / 1000, { name, failure }, name, failure);
        const [first] = joined ?? [];
        if (joined !== undefined && first !== undefined) {
          sharing.record(joined.length, name, name);
          wait.record((startedAt - first.since) / 1000, name, name);
        }
      }),
      listen("postgres-statements.retry", ({ failure }: { readonly failure: unknown }) =>
        countRetry(failureClass(failure)),
      ),
    ];
  }

  function measureTokens(): readonly (() => void)[] {
    const countToken = createCounter(
      ...(["partner.tokens", "{token}", "partner.token.remembered"] as const),
      "Access tokens that came, by whether their verification was remembered.",
    );
    const countFetch = createCounter(
      ...(["partner.keys.fetches", "{fetch}", "partner.keys.fetched"] as const),
      "Fetches of the issuer's keys, by whether they succeeded.",
    );
    return [
      listen("access-tokens.token", ({ remembered }: { readonly remembered: boolean }) =>
        countToken(remembered),
      ),
      listen("access-tokens.keys", ({ fetched }: { readonly fetched: boolean }) =>
        countFetch(fetched),
      ),
    ];
  }

  function measureAudit(): () => void {
    const count = createCounter(
      ...(["partner.audit.events", "{event}", "partner.audit.written"] as const),
      "Events of the audit trail, by whether they were written, or lost.",
    );
    let last: Pick<AuditLogEvent, "waiting" | "failing"> = { waiting: 0, failing: false };
    addGauge(
      ...(["partner.audit.failing", "1"] as const),
      "1 while the audit trail cannot be written, else 0.",
      (observe) => observe(last.failing ? 1 : 0),
    );
    addGauge(
      ...(["partner.audit.waiting", "By"] as const),
      "Bytes of events that wait to be written.",
      (observe) => observe(last.waiting),
    );
    return listen("log-lines.audit", ({ written, lost, ...state }: AuditLogEvent) => {
      last = state;
      if (written > 0) {
        count(true, written);
      }
      if (lost > 0) {
        count(false, lost);
      }
    });
  }

  function measureClock(): () => void {
    let offsetMs = 0;
    addGauge(
      ...(["partner.clock.offset", "s"] as const),
      "How far the database's clock is ahead of this machine's; 0 below a second.",
      (observe) => observe(offsetMs / 1000),
    );
    return listen("postgres-statements.clock", ({ aheadMs }: ClockEvent) => {
      offsetMs = aheadMs;
    });
  }

  function observeDatabase(): void {
    addGauge(
      ...(["db.client.connection.count", "{connection}"] as const),
      "Connections to the database.",
      async (observe) => {
        const pool = await sources.pool();
        if (pool !== undefined) {
          observe(pool.idle, { "db.client.connection.state": "idle" });
          observe(pool.total - pool.idle, { "db.client.connection.state": "used" });
        }
      },
    );
    const ofPool = (read: (pool: PoolStats) => number) => {
      return async (observe: (value: number) => void) => {
        const pool = await sources.pool();
        if (pool !== undefined) {
          observe(read(pool));
        }
      };
    };
    addGauge(
      ...(["db.client.connection.pending_requests", "{request}"] as const),
      "Statements that wait for a connection, or for their turn to have one.",
      ofPool(({ waiting }) => waiting),
    );
    addGauge(
      ...(["db.client.connection.max", "{connection}"] as const),
      "The most connections to the database.",
      ofPool(({ max }) => max),
    );
    addGauge("partner.calls.waiting", "{call}", "Calls that wait for a statement.", (observe) =>
      observe(sources.waitingCalls()),
    );
  }

  function observePort(): void {
    addGauge(
      ...(["partner.connections", "{connection}"] as const),
      "Connections of callers, by protocol.",
      (observe) => {
        for (const [protocol, number] of Object.entries(sources.port().connections)) {
          observe(number, { "partner.protocol": protocol });
        }
      },
    );
    addGauge(
      ...(["partner.streams", "{request}"] as const),
      "Requests of HTTP/1.1 and streams of HTTP/2 that are open.",
      (observe) => observe(sources.port().requests),
    );
    addGauge(
      ...(["partner.waiting", "By"] as const),
      "Bytes of answers that wait for callers to take them.",
      (observe) => observe(sources.port().waitingBytes),
    );
    addGauge(
      ...(["partner.certificate.expiry", "s"] as const),
      "When the certificate ends, as a Unix time.",
      (observe) => {
        const end = sources.certificateExpiresAt();
        if (end !== undefined) {
          observe(end.getTime() / 1000);
        }
      },
    );
  }
}
