import pg from "pg";

/** Reads a database, with a connection for each statement. */
export function rowsOf(connectionString: string) {
  return {
    async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) {
      const client = new pg.Client({ connectionString });
      await client.connect();
      try {
        return (await client.query<Row>(text, values)).rows;
      } finally {
        await client.end();
      }
    },
  };
}
