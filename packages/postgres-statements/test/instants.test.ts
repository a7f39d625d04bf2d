import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createTestDatabase,
  databaseKinds,
  type TestDatabase,
} from "../../../test/support/databases.ts";
import { createOrm, type DatabaseSettings, type Orm, query } from "../src/index.ts";
import { formatInstant, parseInstant } from "../src/instant-type.ts";
import { NoteEntity, newNote, schema, withNotes } from "./support/notes.ts";

const first = Temporal.Instant.from("0002-01-01T00:00:00Z");
const last = Temporal.Instant.from("9998-12-31T23:59:59.999999Z");

const instants = fc
  .bigInt({ min: first.epochNanoseconds / 1000n, max: last.epochNanoseconds / 1000n })
  .map((microseconds) => new Temporal.Instant(microseconds * 1000n));

/** Their offsets are whole hours, half hours and, long ago, odd seconds. */
const timeZones = ["UTC", "America/St_Johns", "Asia/Kolkata", "Europe/Amsterdam"];

/** Opens the database with sessions in the time zone; those on PostgreSQL are in UTC whatever is asked for. */
async function openIn(timeZone: string, settings: DatabaseSettings): Promise<Orm> {
  if ("databaseUrl" in settings) {
    const options = encodeURIComponent(`-c timezone=${timeZone}`);
    return createOrm({ databaseUrl: `${settings.databaseUrl}?options=${options}` }, schema);
  }
  const orm = await createOrm(settings, schema);
  await query(orm, `set timezone to '${timeZone}'`, []);
  return orm;
}

describe.each(databaseKinds)("On %s in a session of", (kind) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await withNotes(createTestDatabase(kind));
  });
  afterAll(() => database.close());

  describe.each(timeZones)("%s", (timeZone) => {
    let orm: Orm;

    beforeAll(async () => {
      orm = await openIn(timeZone, database.settings);
    });
    afterAll(() => orm.close(true));

    test("any instant comes back to the microsecond", { timeout: 60_000 }, async () => {
      expect(await query(orm, "select current_setting('timezone') as zone", [])).toEqual([
        { zone: kind === "postgresql" ? "UTC" : timeZone },
      ]);
      const sql =
        "select at from unnest(($1::text)::timestamptz[]) with ordinality as t(at, n) order by n";
      await fc.assert(
        fc.asyncProperty(fc.array(instants, { minLength: 50, maxLength: 100 }), async (sample) => {
          const rows = await query(orm, sql, [`{${sample.map(formatInstant).join(",")}}`]);
          expect(rows.map(({ at }) => parseInstant(String(at)))).toEqual(sample);
        }),
        { numRuns: 20 },
      );
    });

    test("an entity keeps its microseconds", async () => {
      const note = newNote();
      const { holderId, writtenAt } = note;
      await orm.em.fork().insert(NoteEntity, note);
      const found = await orm.em.fork().findOneOrFail(NoteEntity, { holderId, writtenAt });
      expect({ ...found }).toEqual(note);
      const sql =
        "select extract(epoch from written_at)::text as at from note where holder_id = $1";
      expect(await query(orm, sql, [holderId])).toEqual([{ at: "1704888000.123456" }]);
    });

    test.each(["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "12024-01-10 00:00:00+00"])(
      "%s is refused and not altered",
      async (text) => {
        const [row] = await query(orm, "select ($1::text)::timestamptz as at", [text]);
        expect(() => parseInstant(String(row?.at))).toThrow(RangeError);
      },
    );
  });
});

test.each([
  ["finer than a microsecond", "2024-01-10T12:00:00.123456789Z"],
  ["before the year 2", "0001-12-31T23:59:59.999999Z"],
  ["after the year 9998", "9999-01-01T00:00:00Z"],
])("An instant %s is not written", (_case, text) => {
  expect(() => formatInstant(Temporal.Instant.from(text))).toThrow(RangeError);
});

test("An instant in another DateStyle is not read", () => {
  expect(() => parseInstant("10.01.2024 12:00:00.123456 UTC")).toThrow(RangeError);
});
