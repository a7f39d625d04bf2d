import { setTimeout as delay } from "node:timers/promises";
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

/** Ends the connections on which inserts are under way, again and again, until it is told to stop. */
export function cutInserts(postgres: FaultyPostgres): () => Promise<number> {
  const stopped = new AbortController();
  let cuts = 0;
  const cutting = (async () => {
    while (!stopped.signal.aborted) {
      const cut = await postgres.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'partner-service' and state = 'active' and query ilike 'insert%'`,
      );
      cuts += cut.length;
      await delay(20);
    }
  })();
  return async () => {
    stopped.abort();
    await cutting;
    return cuts;
  };
}
