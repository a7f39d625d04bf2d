import { expect, test } from "vitest";
import { createUuidV7Generator } from "../src/index.ts";

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const timestampOf = (id: string) => Number.parseInt(id.replace("-", "").slice(0, 12), 16);

test("An id is a UUIDv7 of the present millisecond", () => {
  const id = createUuidV7Generator(() => 0x0123456789ab)();
  expect(id).toMatch(uuidV7);
  expect(id.slice(0, 13)).toBe("01234567-89ab");
});

test("Ids grow while the clock stands still", () => {
  const next = createUuidV7Generator(() => 1_700_000_000_000);
  const ids = Array.from({ length: 20_000 }, next);
  expect(ids).toEqual([...new Set(ids)].sort());
  expect(ids.every((id) => uuidV7.test(id))).toBe(true);
});

test("Ids grow when the clock is set back, and follow it again once it has caught up", () => {
  const times = [2000, 1000, 1001, 1999, 2000, 2001, 3000];
  const next = createUuidV7Generator(() => times.shift() ?? 0);
  const ids = Array.from({ length: 7 }, next);
  expect(ids).toEqual([...ids].sort());
  expect(ids.map(timestampOf)).toEqual([2000, 2000, 2000, 2000, 2000, 2001, 3000]);
});

test("Two generators make different ids in one millisecond", () => {
  const clock = () => 1_700_000_000_000;
  const ids = [createUuidV7Generator(clock), createUuidV7Generator(clock)].flatMap((next) =>
    Array.from({ length: 1000 }, next),
  );
  expect(new Set(ids).size).toBe(2000);
});
