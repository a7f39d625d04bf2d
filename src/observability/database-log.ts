import {
  type ClockEvent,
  DatabaseUnavailableError,
  describeFailure,
  type StatementEvent,
} from "@partner-service/postgres-statements";
import type { FastifyBaseLogger } from "fastify";
import { listen } from "./listen.ts";

/** The least time from one line to the next that says that the database is away. */
const tellEveryMs = 10_000;

/**
 * Tells the log when the database goes, and why, and when it is back, by what becomes of statements.
 * However it comes and goes, there are two lines in ten seconds at most. Of a clock that
 * differs from the database's it tells, too.
 *
 * @returns what ends it
 */
export function logDatabase(log: Pick<FastifyBaseLogger, "warn">): () => void {
  let awaySince: number | undefined;
  let nextTellAt = 0;

  const endStatements = listen("postgres-statements.statement", (event: StatementEvent) => {
    const { failure, startedAt } = event;
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
  });

  const endClock = listen("postgres-statements.clock", ({ aheadMs }: ClockEvent) => {
    const what = aheadMs > 0 ? "is behind" : "is ahead of";
    log.warn(
      { databaseAheadMs: aheadMs },
      aheadMs === 0
        ? "the clock agrees with the database's again"
        : `the clock ${what} the database's, which is taken for ids and times`,
    );
  });

  return () => {
    endStatements();
    endClock();
  };
}

/** The SQLSTATE or Node's code, and what was said. */
function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? `${String(cause.code)}: ` : "";
  return code + describeFailure(cause);
}
