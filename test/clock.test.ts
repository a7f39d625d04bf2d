import {
  createOrm,
  logDatabase,
  type Orm,
  ping,
  query,
} from "@partner-service/postgres-statements";
import { afterEach, describe, expect, test, vi } from "vitest";
import { schema } from "../src/database/open-database.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { createPostgresDatabase } from "./support/databases.ts";
import { newPartner } from "./support/partners.ts";

const { signal } = new AbortController();
const asker = { key: "somebody", signal };

afterEach(() => {
  vi.restoreAllMocks();
});

/** Sets this process's clock ahead, or back. */
function setClock(aheadMs: number): void {
  const [instant, now] = [Temporal.Now.instant, Date.now];
  vi.spyOn(Temporal.Now, "instant").mockImplementation(() =>
    instant.call(Temporal.Now).add({ milliseconds: aheadMs }),
  );
  vi.spyOn(Date, "now").mockImplementation(() => now() + aheadMs);
}

describe.each([
  [-3_600_000, "the clock is behind the database's, which is taken for ids and times"],
  [3_600_000, "the clock is ahead of the database's, which is taken for ids and times"],
])("A process whose clock is %s ms ahead", (aheadMs, message) => {
  test("takes the database's time for ids and times, and says so", async () => {
    await using database = await createPostgresDatabase();
    setClock(aheadMs);
    const lines: [unknown, string][] = [];
    const warn = (told: unknown, line: string) => void lines.push([told, line]);
    const endLog = logDatabase({ warn });
    await using orm = await createOrm(database.settings, schema);
    const repository = createPartnerRepository(orm);
    await repository.warmUp();
    const before = await databaseMs(orm);
    const created = await repository.create(newPartner(), signal);
    const [batched] = await repository.createBatch(
      { newPartners: [newPartner()], requestId: null },
      asker,
    );
    const updated = await repository.update(
      { ...created, revision: undefined },
      { city: "Bern" },
      asker,
    );
    const after = await databaseMs(orm);
    endLog();
    const times = [
      ...[created, batched].map((partner) => Number.parseInt(`${partner?.id}`.slice(0, 8), 16)),
      ...[created.createdAt, batched?.createdAt, updated.updatedAt].map((time) =>
        Math.floor(Number(time?.epochMilliseconds) / 65_536),
      ),
    ];
    // The first eight digits of an id are the time in units of 65,536 ms; the correction may fall short by
    // as long as the answer took.
    const earliest = Math.floor((before - 30_000) / 65_536);
    const latest = Math.floor((after + 30_000) / 65_536);
    expect(times.filter((time) => time < earliest || time > latest)).toEqual([]);
    expect(lines).toEqual([[{ databaseAheadMs: expect.any(Number) }, message]]);
  });
});

test("A process whose clock has been set right learns it when it is asked whether it is ready", async () => {
  await using database = await createPostgresDatabase();
  setClock(-3_600_000);
  await using orm = await createOrm(database.settings, schema);
  await ping(orm);
  expect(orm.clock.milliseconds() - Date.now()).toBeGreaterThan(3_500_000);
  vi.restoreAllMocks();
  await ping(orm);
  expect(orm.clock.milliseconds() - Date.now()).toBeLessThan(1000);
});

async function databaseMs(orm: Orm): Promise<number> {
  const sql = "select extract(epoch from clock_timestamp()) * 1000 as now";
  const [row] = await query(orm, sql, []);
  return Number(row?.now);
}
