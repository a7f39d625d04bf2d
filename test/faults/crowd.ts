import pg from "pg";
import {
  type FaultyPostgres,
  isOutOfConnections,
  unreservedConnections,
} from "./faulty-postgres.ts";

/**
 * Takes up all the connections that the server allows, those of the service included, and returns
 * what gives them back.
 */
export async function takeUpConnections(postgres: FaultyPostgres): Promise<() => Promise<void>> {
  const crowd: pg.Client[] = [];
  while (crowd.length < unreservedConnections) {
    await postgres.cutConnections();
    // A connection of the service that is being made or ended may keep the last ones from joining.
    while (await joins(crowd, postgres.url)) {
      // One more connection is taken.
    }
  }
  return async () => {
    await Promise.all(crowd.map((client) => client.end()));
  };
}

/** Adds a connection to the crowd, and says whether there was one left. */
async function joins(crowd: pg.Client[], connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, application_name: "crowd" });
  client.on("error", () => {});
  try {
    await client.connect();
    crowd.push(client);
    return true;
  } catch (failure) {
    if (!isOutOfConnections(failure)) {
      throw failure;
    }
    return false;
  }
}

/** Ends connections on which inserts are under way, so many of them, one soon after the other. */
export async function cutInserts(postgres: FaultyPostgres, count: number): Promise<void> {
  // The server looks by itself, which is fast enough to find an insert that takes milliseconds.
  await postgres.query(`
    do $$
      declare
        cuts int := 0;
      begin
        while cuts < ${count} loop
          perform pg_stat_clear_snapshot();
          select cuts + count(pg_terminate_backend(pid)) into cuts from pg_stat_activity
            where application_name = 'partner-service' and state = 'active'
              and query ilike 'insert%';
          perform pg_sleep(0.01);
        end loop;
      end
    $$`);
}
