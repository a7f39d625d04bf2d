import { randomUUID } from "node:crypto";
import { databasePatienceMs } from "@partner-service/postgres-statements";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { databaseUnavailable, expectNothingLost, outcomesOf } from "./conclusion.ts";
import { cutInserts, takeUpConnections } from "./crowd.ts";
import { type FaultyPostgres, startFaultyPostgres } from "./faulty-postgres.ts";
import { type FaultyService, startFaultyService } from "./faulty-service.ts";
import { callers, type Load, startLoad } from "./load.ts";

let postgres: FaultyPostgres;
let service: FaultyService;
let organization: string;
let load: Load;

beforeAll(async () => {
  postgres = await startFaultyPostgres();
  service = await startFaultyService(postgres.url);
});
beforeEach(async () => {
  organization = randomUUID();
  load = startLoad(service.clients, await service.headers(organization));
  await load.answers(100);
});
afterEach(async () => {
  await load?.finish();
});
afterAll(async () => {
  await service?.close();
  await postgres?.close();
});

/** A way in which the database goes away, and comes back. */
interface Absence {
  readonly fault: string;
  /** Returns what ends it. */
  begin(): Promise<() => Promise<void>>;
}

/** What the service promises, and a second for a busy machine. */
const refusedWithinMs = databasePatienceMs + 1000;

const absences: readonly Absence[] = [
  {
    fault: "PostgreSQL is stopped and started",
    async begin() {
      await postgres.stop();
      return postgres.start;
    },
  },
  {
    fault: "PostgreSQL is killed with SIGKILL and started",
    async begin() {
      await postgres.kill();
      return postgres.start;
    },
  },
  {
    fault: "PostgreSQL is paused for seconds",
    async begin() {
      await postgres.pause();
      return async () => postgres.resume();
    },
  },
  {
    fault: "PostgreSQL is out of connections",
    begin: () => takeUpConnections(postgres),
  },
  {
    fault: "PostgreSQL is read-only",
    async begin() {
      await postgres.query("alter system set default_transaction_read_only = on");
      await postgres.query("select pg_reload_conf()");
      return async () => {
        await postgres.query("alter system reset default_transaction_read_only");
        await postgres.query("select pg_reload_conf()");
      };
    },
  },
];

describe("The database is away, which callers learn soon, and is back at once when", () => {
  test.each(absences)("$fault", async ({ fault, begin }) => {
    const end = await begin();
    try {
      await load.refused(2 * callers);
      await expect.poll(service.readiness).toBe(503);
    } finally {
      await end();
    }
    const returned = performance.now();
    await load.answers();
    const backAfterMs = performance.now() - returned;
    expect(await service.readiness()).toBe(200);
    await load.answers(100);
    await load.finish();
    const observation = { fault, postgres, organization, load, backAfterMs };
    const { slowestRefusalMs } = await expectNothingLost(observation);
    expect(outcomesOf(load)).toEqual([databaseUnavailable]);
    expect(slowestRefusalMs).toBeLessThan(refusedWithinMs);
    expect(backAfterMs).toBeLessThan(1000);
  });
});

describe("The database is there, and most calls come through, when", () => {
  test("inserts have their connections cut", async () => {
    await cutInserts(postgres, 20);
    await load.answers(100);
    await load.finish();
    const fault = "20 connections are cut in the middle of an insert";
    await expectNothingLost({ fault, postgres, organization, load });
    expect([[], [databaseUnavailable]]).toContainEqual(outcomesOf(load));
  });

  test.each(["40001", "40P01"])("every third insert fails with %s", async (sqlState) => {
    await postgres.query(`
      create function fail() returns trigger language plpgsql as $$
        begin
          if random() < 0.33 then
            raise exception using errcode = '${sqlState}';
          end if;
          return null;
        end
      $$`);
    // What the statement has done is undone.
    await postgres.query(`
      create trigger fail after insert on partner for each statement execute function fail()`);
    await load.answers(300);
    await load.finish();
    await postgres.query("drop function fail cascade");
    const fault = `every third insert fails with ${sqlState}`;
    await expectNothingLost({ fault, postgres, organization, load });
    expect([[], [databaseUnavailable]]).toContainEqual(outcomesOf(load));
  });
});
