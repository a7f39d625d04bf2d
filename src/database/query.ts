import { toDatabaseFailure } from "./failures.ts";
import type { Orm } from "./orm.ts";

/** A row as the driver reads it: by column name, instants as text. */
export type Row = Readonly<Record<string, unknown>>;

/** What a pool of pg and a PGlite have in common. */
interface NativeClient {
  query(text: string, values: unknown[]): Promise<Result>;
}

/** A pool of pg, whose connections each prepare a statement that has a name once. */
interface Pool extends NativeClient {
  readonly totalCount: number;
  query(text: string, values: unknown[]): Promise<Result>;
  query(statement: { name: string; text: string; values: unknown[] }): Promise<Result>;
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
 * @param values bound to $1, $2, ….
 * @throws DatabaseUnavailableError
 * @throws DatabaseError
 */
export async function query(
  orm: Orm,
  text: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  return await ask(orm, (client) => client.query(text, [...values]));
}

/**
 * Makes a statement that is run often: each connection to PostgreSQL prepares it once, under this
 * name. It is run like `query`.
 */
export function createStatement(orm: Orm, name: string, text: string) {
  return async (values: readonly unknown[]): Promise<readonly Row[]> =>
    await ask(orm, (client) =>
      "totalCount" in client
        ? client.query({ name, text, values: [...values] })
        : client.query(text, [...values]),
    );
}

async function ask(
  orm: Orm,
  run: (client: NativeClient | Pool) => Promise<Result>,
): Promise<readonly Row[]> {
  try {
    const { rows } = await run(await orm.driver.getConnection().getNativeClient());
    return rows;
  } catch (error) {
    throw toDatabaseFailure(error);
  }
}
