import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClockEvent } from "./clock.ts";
import { DatabaseUnavailableError, describeFailure } from "./failures.ts";
import type { StatementEvent } from "./query.ts";

/** The least time from one line to the next that says that the database is away. */
const tellEveryMs = 10_000;

/**
 * Tells a log when the database goes, and why, and when it is back, by what becomes of statements.
 * However it comes and goes, there are two lines in ten seconds at most. Of a clock that
 * differs from the database's it tells, too.
 *
 * @returns what ends it
 */
export function logDatabase(log: { warn(facts: object, message: string): void }): () => void {
  let awaySince: number | undefined;
  let nextTellAt = 0;

  function statementEnded(event: unknown): void {
    // Nothing else is published on the channel.
    const { failure, startedAt } = event as StatementEvent;
    if (failure instanceof DatabaseUnavailableError) {
      if (awaySince === undefined && performance.now() >= nextTellAt) {
        awaySince = performance.now();
        nextTellAt = awaySince + tellEveryMs;
        log.warn({ reason: reasonOf(failure.cause) }, "database away");
      }
    } else if (awaySince !== undefined && startedAt > awaySince) {
      log.warn({ awayMs: Math.round(performance.now() - awaySince) }, "database back");
      awaySince = undefined;
    }
  }

  function clockCompared(event: unknown): void {
    // Likewise.
    const { aheadMs } = event as ClockEvent;
    const what = aheadMs > 0 ? "is behind" : "is ahead of";
    log.warn(
      { databaseAheadMs: aheadMs },
      aheadMs === 0
        ? "the clock agrees with the database's again"
        : `the clock ${what} the database's, which is taken for ids and times`,
    );
  }

  subscribe("postgres-statements.statement", statementEnded);
  subscribe("postgres-statements.clock", clockCompared);
  return () => {
    unsubscribe("postgres-statements.statement", statementEnded);
    unsubscribe("postgres-statements.clock", clockCompared);
  };
}

/** The SQLSTATE or Node's code, and what was said. */
function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? `${String(cause.code)}: ` : "";
  return code + describeFailure(cause);
}
