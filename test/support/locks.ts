import { setTimeout as delay } from "node:timers/promises";
import {
  createOrm,
  type DatabaseSettings,
  type Orm,
  query,
} from "@partner-service/postgres-statements";
import { schema } from "../../src/database/open-database.ts";

/** Keeps every statement on the table of partners waiting. */
export interface PartnersLock {
  /** Resolves once a statement, or as many as given, wait for the lock. */
  awaited(statements?: number): Promise<void>;
  /** May be called more than once. */
  release(): Promise<void>;
}

/**
 * The texts of the statements that wait for locks in the database. Their wait events would tell of them a moment
 * later than their locks do, and not while the server looks for deadlocks.
 */
export async function findWaiting(orm: Orm): Promise<readonly string[]> {
  const sql = `select query from pg_stat_activity where datname = current_database()
    and pid in (select pid from pg_locks where not granted)`;
  return (await query(orm, sql, [])).map((row) => String(row.query));
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
      while ((await findWaiting(observer)).length < statements) {
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
