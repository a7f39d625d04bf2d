import type { Pool, PoolClient, QueryConfig, QueryResult } from "pg";
import { DatabaseUnavailableError, toDatabaseFailure } from "./failures.ts";

/** A connection that was idle for this long is asked for a sign of life before it is used. */
const freshForMs = 1000;
/** How long it may take to give one. */
const signOfLifeMs = 500;

interface Connection extends PoolClient {
  /** When it last had an answer, by the clock of `performance`; absent on a new one. */
  answeredAt?: number;
}

/**
 * Runs a statement on a connection of the pool.
 *
 * Firewalls and balancers drop connections that are idle without telling either side, and a statement
 * that is sent into one waits for an answer that does not come. So a connection that was idle first
 * gives a sign of life; where it does not, it is dropped, and so are others that do not either, and
 * the statement goes to another.
 *
 * @throws DatabaseUnavailableError for whatever keeps a connection from being made.
 */
export function runOnPool(pool: Pool, statement: QueryConfig): Promise<QueryResult> {
  return new Promise((resolve, reject) => {
    function take(): void {
      pool.connect((failure, connection: Connection | undefined, release) => {
        if (connection === undefined) {
          reject(toConnectingFailure(failure));
        } else if (isFresh(connection)) {
          send(connection, release);
        } else {
          askForSignOfLife(connection, (silence) => {
            if (silence === undefined) {
              send(connection, release);
            } else {
              release(silence);
              dropSilent(pool);
              take();
            }
          });
        }
      });
    }

    function send(connection: Connection, release: (failure?: Error) => void): void {
      connection.query(statement, (failure: Error | null, result) => {
        connection.answeredAt = performance.now();
        release(failure !== null && !isUsableAfter(failure) ? failure : undefined);
        if (failure) {
          reject(failure);
        } else {
          resolve(result);
        }
      });
    }

    take();
  });
}

function isFresh({ answeredAt = Number.POSITIVE_INFINITY }: Connection): boolean {
  return performance.now() - answeredAt < freshForMs;
}

function askForSignOfLife(connection: Connection, done: (silence?: Error) => void): void {
  // `query_timeout` is an option of pg's that its types lack.
  const question: QueryConfig & { query_timeout: number } = {
    text: "select 1",
    query_timeout: signOfLifeMs,
  };
  connection.query(question, (failure: Error | null) => done(failure ?? undefined));
}

/** Asks all idle connections at once, so that the next calls do not find out one by one. */
function dropSilent(pool: Pool): void {
  for (let idle = pool.idleCount; idle > 0; idle -= 1) {
    pool.connect((_failure, connection: Connection | undefined, release) => {
      if (connection !== undefined) {
        askForSignOfLife(connection, release);
      }
    });
  }
}

/** Whether the connection can go on: errors of a row, conflicts, and the statement's timeout. */
function isUsableAfter(failure: Error & { code?: unknown }): boolean {
  return typeof failure.code === "string" && /^(2[23]...|40...|57014)$/.test(failure.code);
}

/** Whatever keeps a connection from being made: no statement is at fault. */
function toConnectingFailure(error: unknown): DatabaseUnavailableError {
  const failure = toDatabaseFailure(error);
  return failure instanceof DatabaseUnavailableError
    ? failure
    : new DatabaseUnavailableError(false, error);
}
