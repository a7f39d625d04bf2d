import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareWithTable } from "./comparison.ts";
import { type FaultyPostgres, startFaultyPostgres } from "./faulty-postgres.ts";
import { type FaultyService, startFaultyService } from "./faulty-service.ts";
import { callers, startLoad } from "./load.ts";
import { report } from "./report.ts";

let postgres: FaultyPostgres;
let service: FaultyService;

beforeAll(async () => {
  postgres = await startFaultyPostgres();
  service = await startFaultyService(postgres.url);
});
afterAll(async () => {
  await service?.close();
  await postgres?.close();
});

/** A way in which the database goes away, and comes back. */
interface Absence {
  readonly fault: string;
  begin(): Promise<void>;
  end(): Promise<void>;
  /** What the service's own timeouts promise, and a little for a busy machine. */
  readonly refusedWithinMs: number;
}

const absences: readonly Absence[] = [
  {
    fault: "PostgreSQL is stopped and started",
    begin: () => postgres.stop(),
    end: () => postgres.start(),
    refusedWithinMs: 2000,
  },
  {
    fault: "PostgreSQL is killed with SIGKILL and started",
    begin: () => postgres.kill(),
    end: () => postgres.start(),
    refusedWithinMs: 2000,
  },
  {
    fault: "PostgreSQL is paused for seconds",
    begin: () => postgres.pause(),
    end: async () => postgres.resume(),
    refusedWithinMs: 7000,
  },
];

describe("While the database is away, callers learn so soon; nothing is lost, doubled or altered when", () => {
  test.each(absences)("$fault", async ({ fault, begin, end, refusedWithinMs }) => {
    const organization = randomUUID();
    const load = startLoad(service.clients, await service.headers(organization));
    await load.answers(200);
    await begin();
    await load.refused(2 * callers);
    expect(await service.readiness()).toBe(503);
    await end();
    const returned = performance.now();
    await load.answers();
    const backAfterMs = performance.now() - returned;
    expect(await service.readiness()).toBe(200);
    await load.answers(200);
    await load.finish();
    const outcomes = new Set(load.refusals.map(({ outcome }) => outcome));
    expect([...outcomes]).toEqual(["Unavailable DATABASE_UNAVAILABLE"]);
    const slowestRefusalMs = Math.max(...load.refusals.map(({ afterMs }) => afterMs));
    const comparison = await compareWithTable(postgres, organization, load.acknowledged);
    const refused = load.refusals.length;
    report({ fault, ...comparison, refused, slowestRefusalMs, backAfterMs });
    expect(comparison).toEqual({
      acknowledged: load.acknowledged.length,
      found: load.acknowledged.length,
      lost: 0,
      duplicated: 0,
      altered: 0,
    });
    expect(slowestRefusalMs).toBeLessThan(refusedWithinMs);
    expect(backAfterMs).toBeLessThan(1000);
  });
});
