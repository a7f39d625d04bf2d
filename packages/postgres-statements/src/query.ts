import { channel } from "node:diagnostics_channel";
import type { QueryArrayResult } from "pg";
import { toDatabaseFailure } from "./failures.ts";
import type { JoinedCall } from "./joining.ts";
import type { Orm } from "./orm.ts";
import { runOnPool } from "./postgres-pool.ts";

/** A row as the driver reads it: by column name, instants as text. */
export type Row = Readonly<Record<string, unknown>>;

/** A statement, with what is bound to $1, $2, …. */
export interface Statement {
  /** Each connection to PostgreSQL prepares a statement that has a name once, under this name. */
  readonly name?: string | undefined;
  readonly text: string;
  readonly values: readonly unknown[];
  /** Whether what it writes is undone at once: it answers what it would have done. */
  readonly rehearsal?: boolean | undefined;
  /** Has the server end the statement, as far as it can: not behind a pooler, and not on PGlite. */
  readonly signal?: AbortSignal | undefined;
  /** The calls that share the statement, where it is one that calls share. */
  readonly calls?: readonly SharingCall[] | undefined;
}

type SharingCall = Pick<JoinedCall<never, never>, "signal" | "since">;

/** What is told of a statement that has ended. The values that were bound to it are not. */
export interface StatementEvent extends Omit<Statement, "values"> {
  /** When it began, by the clock of `performance`, and how long it took, in milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** What it failed with; absent: it did not. */
  readonly failure?: unknown;
}

/** Tells of each statement, as a StatementEvent. */
const ended = channel("postgres-statements.statement");

interface Rows {
  readonly rows: readonly Row[];
}

/**
 * Runs one statement by itself, outside any transaction, and returns its rows.
 *
 * MikroORM's own ways to run SQL write the values into the text of the statement, where the logs of
 * the server and its statistics repeat them, and return a connection on which a query has timed out
 * to the pool, where the next query waits for the lost answer. The native client of MikroORM's
 * connection binds the values, and drops a connection that has failed.
 *
 * @throws DatabaseUnavailableError
 * @throws DatabaseError
 */
export async function run(orm: Orm, statement: Statement): Promise<readonly Row[]> {
  const startedAt = ended.hasSubscribers ? performance.now() : undefined;
  try {
    const { rows } = await runOnClient(orm, statement);
    tell(statement, startedAt, {});
    return rows;
  } catch (error) {
    const failure = toDatabaseFailure(error);
    tell(statement, startedAt, { failure });
    throw failure;
  }
}

async function runOnClient(orm: Orm, statement: Statement): Promise<Rows> {
  const { name, text, values, rehearsal = false, signal } = statement;
  const client = await orm.driver.getConnection().getNativeClient();
  if ("totalCount" in client) {
    const config = { ...(name === undefined ? {} : { name }), text, values: [...values] };
    return toRows(await runOnPool(client, { ...config, rowMode: "array" }, { rehearsal, signal }));
  }
  return rehearsal
    ? await client.transaction(async (transaction) => {
        const rows = await transaction.query<Row>(text, [...values]);
        await transaction.query("rollback", []);
        return rows;
      })
    : await client.query<Row>(text, [...values]);
}

type MakeRow = (values: readonly unknown[]) => Row;

/** What makes the rows of the statements that there are, by the columns' names. */
const rowMakers = new Map<string, MakeRow>();

/**
 * Names the values of rows. As code that is made for the columns, as MikroORM's own hydration is, it
 * takes a tenth of what it takes to store the values one by one.
 */
function toRows({ fields, rows }: QueryArrayResult<unknown[][]>): Rows {
  const names = JSON.stringify(fields.map(({ name }) => name));
  let makeRow = rowMakers.get(names);
  if (makeRow === undefined) {
    const properties = fields.map(({ name }, index) => `${JSON.stringify(name)}: values[${index}]`);
    // It is of this type as it is written here, whatever the names are.
    makeRow = new Function("values", `return { ${properties.join()} };`) as MakeRow;
    rowMakers.set(names, makeRow);
  }
  return { rows: rows.map(makeRow) };
}

/** The connections to PostgreSQL. */
export interface PoolStats {
  readonly max: number;
  readonly total: number;
  readonly idle: number;
  /** Statements that wait for a connection, or for their asker's turn. */
  readonly waiting: number;
}

/** Counts the connections; undefined on PGlite, which has none. */
export async function countConnections(orm: Orm): Promise<PoolStats | undefined> {
  const client = await orm.driver.getConnection().getNativeClient();
  if (!("totalCount" in client)) {
    return undefined;
  }
  const { options, totalCount: total, idleCount: idle, waitingCount } = client;
  return { max: options.max, total, idle, waiting: waitingCount + orm.inTurn.waiting() };
}

/** Tells of a statement, where somebody listened when it began. */
function tell(
  { name, text, calls }: Statement,
  startedAt: number | undefined,
  outcome: Pick<StatementEvent, "failure">,
): void {
  if (startedAt !== undefined) {
    const durationMs = performance.now() - startedAt;
    const event: StatementEvent = { name, text, calls, startedAt, durationMs, ...outcome };
    ended.publish(event);
  }
}

/** Runs a statement that has no name. */
export function query(orm: Orm, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
  return run(orm, { text, values });
}

/** Runs a statement as `query` does, and undoes what it has written. */
export const rehearse: typeof query = (orm, text, values) =>
  run(orm, { text, values, rehearsal: true });

/** Makes a statement that is run often, and therefore has a name as a rule. */
export function createStatement(orm: Orm, name: string | undefined, text: string) {
  return (values: readonly unknown[], calls?: readonly SharingCall[]): Promise<readonly Row[]> =>
    run(orm, { name, text, values, calls });
}
