import { afterEach, expect, test, vi } from "vitest";
import { createClock } from "../src/clock.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test.each([
  ["as long as the answer took", [0, 900, 2000], 0],
  ["a second", [0, 1000, 0], 0],
  ["more than a second", [0, 1001, 0], 1001],
  ["more than a second after the answer", [0, 3000, 1500], 1500],
  ["more than a second before the question", [5000, 3000, 6000], -2000],
])("A clock that differs by %s is corrected by what is certain", (_how, times, expected) => {
  vi.spyOn(Date, "now").mockReturnValue(0);
  const clock = createClock();
  const [askedAt = 0, databaseTime = 0, answeredAt = 0] = times;
  clock.compare(askedAt, databaseTime, answeredAt);
  expect(clock.milliseconds()).toBe(expected);
});
