import { describe, expect, test } from "vitest";
import { createRateLimiter } from "../src/index.ts";

describe("A rate limit", () => {
  function createClock() {
    const clock = { ms: 0, now: () => clock.ms };
    return clock;
  }

  test("lets the burst in at once, and not one call more", () => {
    const { now } = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 50, burst: 3 }, now);
    expect([1, 2, 3, 4, 5].map(() => waitMs("a"))).toEqual([0, 0, 0, 20, 20]);
  });

  test("lets the next call in after as long as it said, and not a millisecond sooner", () => {
    const clock = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 3, burst: 1 }, clock.now);
    expect(waitMs("a")).toBe(0);
    expect(waitMs("a")).toBe(334);
    clock.ms = 333;
    expect(waitMs("a")).toBe(1);
    clock.ms = 334;
    expect(waitMs("a")).toBe(0);
  });

  test("lets in what it allows a second, for as long as it is asked, on top of one burst", () => {
    const clock = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 7, burst: 10 }, clock.now);
    let letIn = 0;
    for (clock.ms = 0; clock.ms < 100_000; clock.ms += 5) {
      letIn += waitMs("a") === 0 ? 1 : 0;
    }
    expect(letIn).toBe(700 + 9);
  });

  test("allows no more than the burst after a rest, however long", () => {
    const clock = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 10, burst: 2 }, clock.now);
    expect([1, 2, 3].map(() => waitMs("a"))).toEqual([0, 0, 100]);
    clock.ms = 3_600_000;
    expect([1, 2, 3].map(() => waitMs("a"))).toEqual([0, 0, 100]);
  });

  test("counts each holder by itself", () => {
    const { now } = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 1, burst: 1 }, now);
    expect(["a", "b", "a", "b"].map(waitMs)).toEqual([0, 0, 1000, 1000]);
  });

  test("remembers so many holders, and forgets the one that has not called for longest", () => {
    const { now } = createClock();
    const waitMs = createRateLimiter({ callsPerSecond: 1, burst: 2 }, now, 2);
    expect(["a", "b", "a"].map(waitMs)).toEqual([0, 0, 0]);
    expect(waitMs("c")).toBe(0);
    expect(waitMs("a")).toBe(1000);
    expect(["b", "b", "b"].map(waitMs)).toEqual([0, 0, 1000]);
  });
});
