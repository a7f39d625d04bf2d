import { expect, test } from "vitest";
import { pausesBetween, timesBetween } from "../bench/profile/parts.ts";

const frame = (functionName: string, url = "") => ({ callFrame: { functionName, url } });

/** A second of a call, three collections, of which the first two are in a row with nothing between, and a wait. */
const profile = {
  nodes: [
    { id: 1, ...frame("(garbage collector)") },
    { id: 2, ...frame("emit", "node:events") },
    { id: 3, ...frame("(idle)") },
  ],
  samples: [2, 1, 1, 2, 1, 3, 1],
  timeDeltas: [1_000_000, 3000, 2000, 1000, 500, 4000, 9_000_000],
};

test("A pause is what collects garbage without anything between, from one moment to another", () => {
  expect(pausesBetween(profile, 0, 2)).toEqual([5, 0.5]);
  expect(pausesBetween(profile, 1.004, 2)).toEqual([2, 0.5]);
});

test("The parts of a profile have the time of their functions, and waiting is none", () => {
  const times = timesBetween(profile, 0, 2);
  expect([...times].filter(([, time]) => time > 0)).toEqual([
    ["garbage collection", 5500],
    ["Node: HTTP, streams, events, timers", 1_001_000],
  ]);
});
