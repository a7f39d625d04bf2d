import type { Pool, PoolClient, QueryArrayConfig, QueryArrayResult, QueryConfig } from "pg";
import { cancelWhenAborted } from "./cancelling.ts";
import { DescribedOnce } from "./described-once.ts";
import { DatabaseUnavailableError, OverloadedError, toDatabaseFailure } from "./failures.ts";
import { turnPatienceMs } from "./retries.ts";

/** A connection that was idle for this long is asked for a sign of life before it is used. */
const freshForMs = 1000;
/** How long it may take to give one. */
const signOfLifeMs = 500;

/** The pool, and what the service knows of it. */
export interface PostgresPool extends Pool {
  /** The URL of each host; `options.connectionString` is that of the one in use. */
  hosts?: readonly string[];
  /** Whether statements are prepared under names; undefined: where no pooler is in the way. */
  statementNames?: boolean | undefined;
  /** Set while statements that write may be hanging on the server. */
  mayHang?: boolean;
  /** When a statement was answered last, by the clock of `performance`. */
  answeredAt?: number;
  /** The question how many hang, once for all who want to know. */
  hanging?: Promise<number> | undefined;
}

interface Connection extends PoolClient {
  readonly host: string;
  readonly port: number;
  /** The number of the process that serves it, as the server, or a pooler, has told. */
  readonly processID?: number | null;
  /** Whether a pooler is in the way. */
  readonly pooled?: boolean;
  /** When it last had an answer, by the clock of `performance`; absent on a new one. */
  answeredAt?: number;
}

interface RunOptions {
  /** Whether it runs in a transaction that is rolled back. */
  readonly rehearsal?: boolean;
  /** Has the server end the statement, which then fails with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a statement on a connection of the pool.
 *
 * Firewalls and balancers drop connections that are idle without telling either side, and a statement
 * that is sent into one waits for an answer that does not come. So a connection that was idle first
 * gives a sign of life; where it does not, it is dropped, and so are others that do not either, and
 * the statement goes to another.
 *
 * Where the URL names several hosts, those that cannot be reached, or take no writes, are passed over,
 * and connections to a host that is in use no more are dropped.
 *
 * @throws OverloadedError where others' statements leave no connection for it for too long.
 * @throws DatabaseUnavailableError for whatever keeps a connection from being made.
 */
export async function runOnPool(
  pool: PostgresPool,
  statement: QueryArrayConfig,
  { rehearsal = false, signal }: RunOptions = {},
): Promise<QueryArrayResult<unknown[][]>> {
  const writes = !statement.text.startsWith("select");
  if (pool.mayHang === true && writes) {
    await refuseWhileWritesHang(pool);
  }
  return await new Promise((resolve, reject) => {
    const isBusy = pool.idleCount === 0 && pool.totalCount >= pool.options.max;
    const patience = isBusy ? setTimeout(endWaiting, turnPatienceMs) : undefined;
    let isLate = false;

    /** Where no other statement has been answered meanwhile either, the database is to blame. */
    function endWaiting(): void {
      isLate = isAnswering(pool);
      if (isLate) {
        reject(new OverloadedError());
      }
    }

    function take(hostsLeft: number): void {
      const host = pool.options.connectionString;
      pool.connect((failure, connection: Connection | undefined, release) => {
        clearTimeout(patience);
        if (isLate || (signal?.aborted && connection !== undefined)) {
          release();
          reject(signal?.reason);
        } else if (connection === undefined) {
          // A pool that is busy says nothing of its host.
          if (failure?.message !== "timeout exceeded when trying to connect") {
            moveOn(pool, host);
          }
          if (hostsLeft > 1) {
            take(hostsLeft - 1);
          } else {
            reject(toConnectingFailure(failure));
          }
        } else if (!leadsToHostInUse(pool, connection)) {
          release(new Error("Another host is in use."));
          take(hostsLeft);
        } else if (isFresh(connection)) {
          send(connection, release);
        } else {
          askForSignOfLife(connection, (silence) => {
            if (silence === undefined) {
              send(connection, release);
            } else {
              release(silence);
              dropSilent(pool);
              take(hostsLeft);
            }
          });
        }
      });
    }

    function send(connection: Connection, release: (failure?: Error) => void): void {
      const { name, ...unnamed } = statement;
      const named = name !== undefined && (pool.statementNames ?? connection.pooled !== true);
      const settle =
        signal !== undefined && connection.pooled !== true
          ? cancelWhenAborted(pool, connection.processID, statement.text, signal)
          : undefined;
      if (!rehearsal) {
        if (named) {
          connection.query(new DescribedOnce(statement, end));
        } else {
          connection.query(unnamed, end);
        }
        return;
      }
      connection.query("begin", (unbegun: Error | null) => {
        if (unbegun !== null) {
          end(unbegun);
          return;
        }
        connection.query(unnamed, (failure: Error | null, result) => {
          connection.query("rollback", (lost: Error | null) => end(lost ?? failure, result));
        });
      });

      function end(failure: Error | null, result?: QueryArrayResult<unknown[][]>): void {
        connection.answeredAt = performance.now();
        const free = () =>
          release(failure !== null && !isUsableAfter(failure) ? failure : undefined);
        if (settle === undefined) {
          free();
        } else {
          settle().then(free);
        }
        if (failure) {
          pool.mayHang ||= writes && failure.message === "Query read timeout";
          reject(signal?.aborted ? signal.reason : failure);
        } else if (result !== undefined) {
          pool.answeredAt = connection.answeredAt;
          resolve(result);
        }
      }
    }

    take(pool.hosts?.length ?? 1);
  });
}

/** Whether a statement has been answered in the time for which others wait for their turn. */
export function isAnswering({ answeredAt = 0 }: PostgresPool): boolean {
  return performance.now() - answeredAt < turnPatienceMs;
}

/** Has the next host tried, unless another failure has done so already. */
function moveOn({ hosts = [], options }: PostgresPool, failed: string | undefined): void {
  if (hosts.length > 1 && options.connectionString === failed) {
    const next = hosts[(hosts.indexOf(failed ?? "") + 1) % hosts.length];
    options.connectionString = next;
  }
}

function leadsToHostInUse({ hosts = [], options }: PostgresPool, connection: Connection): boolean {
  if (hosts.length < 2) {
    return true;
  }
  // As pg reads them.
  const { hostname, port } = new URL(options.connectionString ?? "");
  const host = decodeURIComponent(hostname.replace(/^\[(.+)\]$/, "$1"));
  return connection.host === host && connection.port === Number(port || 5432);
}

/**
 * Statements whose commit waits for a synchronous standby that does not answer. Their own timeout does
 * not end them, and to end them from outside would make what is on one disk only look committed. They
 * go on in the server after their callers, and their connections, have gone.
 */
export const hangingSql = `select count(*)::int as hanging from pg_stat_activity
  where datname = current_database() and usename = current_user and wait_event = 'SyncRep'
  and state_change < clock_timestamp() - interval '2 seconds'`;

/** How many may hang, of all processes of one role, before further ones are refused. */
const mostHanging = 4;

async function refuseWhileWritesHang(pool: PostgresPool): Promise<void> {
  pool.hanging ??= runOnPool(pool, { text: hangingSql, rowMode: "array" })
    .then(({ rows: [row] }) => Number(row?.[0]))
    .finally(() => {
      pool.hanging = undefined;
    });
  const hanging = await pool.hanging;
  pool.mayHang = hanging > 0;
  if (hanging >= mostHanging) {
    throw new DatabaseUnavailableError(
      false,
      new Error(`${hanging} commits wait for a synchronous standby.`),
    );
  }
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
