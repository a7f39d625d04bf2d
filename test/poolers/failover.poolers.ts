import { randomUUID } from "node:crypto";
import { databasePatienceMs } from "@partner-service/postgres-statements";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compareWithTable } from "../faults/comparison.ts";
import { databaseUnavailable, outcomesOf } from "../faults/conclusion.ts";
import { type FaultyService, startFaultyService } from "../faults/faulty-service.ts";
import { callers, createOnce, type Load, startLoad, uniqueRequest } from "../faults/load.ts";
import { missingPrograms } from "./programs.ts";
import {
  type ReplicatedPostgres,
  replicationPrograms,
  startReplicatedPostgres,
} from "./replicated-postgres.ts";

const missing = missingPrograms(...replicationPrograms);

/** What the service promises, and a second for a busy machine. */
const refusedWithinMs = databasePatienceMs + 1000;

/** Those that may hang before more are refused, and what was on its way: three inserts, twice. */
const mostHanging = 10;

describe.skipIf(missing !== "")(`with a synchronous standby${missing}`, () => {
  let postgres: ReplicatedPostgres;
  let service: FaultyService;
  let organization: string;
  let load: Load;

  beforeEach(async () => {
    postgres = await startReplicatedPostgres();
    service = await startFaultyService(postgres.url);
    organization = randomUUID();
    load = startLoad(service.clients, await service.headers(organization));
    await load.answers(100);
  });
  afterEach(async () => {
    await load?.finish();
    await service?.close();
    await postgres?.[Symbol.asyncDispose]();
  });

  async function expectNothingLostOn(server: ReplicatedPostgres["standby"]): Promise<void> {
    await load.finish();
    const acknowledged = load.acknowledged.length;
    const found = await compareWithTable(server, organization, load.acknowledged);
    expect(found).toEqual({
      acknowledged,
      found: acknowledged,
      lost: 0,
      duplicated: 0,
      altered: 0,
    });
    expect([[], [databaseUnavailable]]).toContainEqual(outcomesOf(load));
  }

  test("a primary that is killed is left for the standby as soon as that is promoted, and nothing is lost", async () => {
    postgres.primary.kill();
    await load.refused(callers);
    expect(await service.readiness()).toBe(503);
    postgres.promote();
    const promoted = performance.now();
    await load.answers();
    const backAfterMs = performance.now() - promoted;
    await load.answers(100);
    expect(await service.readiness()).toBe(200);
    await expectNothingLostOn(postgres.standby);
    console.log(`back ${Math.round(backAfterMs)} ms after the promotion`);
    expect(backAfterMs).toBeLessThan(2000);
  });

  test("a primary that falls silent is left for the promoted standby, and nothing is lost", async () => {
    postgres.primary.pause();
    await load.refused(callers);
    postgres.promote();
    await load.answers(100);
    postgres.primary.kill();
    await expectNothingLostOn(postgres.standby);
  });

  test("commits that a stalled standby holds up are refused in time, few hang, and readiness tells", async () => {
    postgres.standby.pause();
    // Repetitions wait for what hangs already: only what is new can hang beside it.
    const headers = await service.headers(randomUUID());
    for (let round = 0; round < 12; round += 1) {
      const outcomes = service.clients().map((client) => {
        const signal = AbortSignal.timeout(20_000);
        return createOnce(client, uniqueRequest(), headers, signal);
      });
      await Promise.allSettled(outcomes);
    }
    await load.refused(callers);
    await expect.poll(service.readiness).toBe(503);
    const hanging = await postgres.primary.query(
      "select 1 from pg_stat_activity where wait_event = 'SyncRep'",
    );
    expect(hanging.length).toBeGreaterThan(0);
    expect(hanging.length).toBeLessThanOrEqual(mostHanging);
    postgres.standby.resume();
    await load.answers(100);
    expect(await service.readiness()).toBe(200);
    await expectNothingLostOn(postgres.primary);
    expect(Math.max(...load.refusals.map(({ afterMs }) => afterMs))).toBeLessThan(refusedWithinMs);
  });

  test("commits that a stalled standby held up are not acknowledged later, once that is promoted", async () => {
    postgres.standby.pause();
    await load.refused(5 * callers);
    postgres.primary.kill();
    postgres.standby.resume();
    postgres.promote();
    await load.answers(100);
    await expectNothingLostOn(postgres.standby);
  });
});
