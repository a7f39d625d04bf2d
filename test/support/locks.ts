import { setTimeout as delay } from "node:timers/promises";
import { createOrm, type DatabaseSettings, query } from "@partner-service/postgres-statements";
import { schema } from "../../src/database/open-database.ts";

/** Keeps every statement on the table of partners waiting. */
export interface PartnersLock {
  /** Resolves once a statement, or as many as given, wait for the lock. */
  awaited(statements?: number): Promise<void>;
  /** May be called more than once. */
  release(): Promise<void>;
}

/** Locks the table of partners of a PostgreSQL database. */
export async function lockPartners(settings: DatabaseSettings): Promise<PartnersLock> {
  const holder = await createOrm(settings, schema);
  const em = holder.em.fork();
  await em.begin();
  await em.execute("lock table partner in access exclusive mode");
  const observer = await createOrm(settings, schema);
  let released = false;
  return {
    async awaited(statements = 1) {
      // In another test's database, a copy of the same template, the table has the same number.
      const waiting = `select 1 from pg_locks where not granted and relation = 'partner'::regclass
        and database = (select oid from pg_database where datname = current_database())`;
      while ((await query(observer, waiting, [])).length < statements) {
        await delay(10);
      }
    },
    async release() {
      if (released) {
        return;
      }
      released = true;
      await em.commit();
      await observer.close(true);
      await holder.close(true);
    },
  };
}
