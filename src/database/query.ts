import { toDatabaseFailure } from "./failures.ts";
import type { Orm } from "./orm.ts";

/** A row as the driver reads it: by column name, instants as text. */
export type Row = Readonly<Record<string, unknown>>;

/** A statement, with what is bound to $1, $2, …. */
export interface Statement {
  /** Each connection to PostgreSQL prepares a statement that has a name once, under this name. */
  readonly name?: string | undefined;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** What is used here of a pool of pg. */
interface Pool {
  readonly totalCount: number;
  query(statement: { name: string | undefined; text: string; values: unknown[] }): Promise<Result>;
}

/** What is used here of a PGlite. */
interface Pglite {
  query(text: string, values: unknown[]): Promise<Result>;
}

interface Result {
  readonly rows: Row[];
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
export async function run(orm: Orm, { name, text, values }: Statement): Promise<readonly Row[]> {
  try {
    const client: Pool | Pglite = await orm.driver.getConnection().getNativeClient();
    const { rows } =
      "totalCount" in client
        ? await client.query({ name, text, values: [...values] })
        : await client.query(text, [...values]);
    return rows;
  } catch (error) {
    throw toDatabaseFailure(error);
  }
}

/** Runs a statement that has no name. */
export function query(orm: Orm, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
  return run(orm, { text, values });
}

/** Makes a statement that is run often, and therefore has a name. */
export function createStatement(orm: Orm, name: string, text: string) {
  return (values: readonly unknown[]): Promise<readonly Row[]> => run(orm, { name, text, values });
}
