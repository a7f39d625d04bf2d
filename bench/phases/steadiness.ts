import { readFileSync } from "node:fs";
import { median } from "../report/results.ts";

/** How steadily the machine runs by itself. */
export interface Steadiness {
  /** The share of the time in which it was slow, from 0 to 1. */
  readonly slowShare: number;
  /** How long it was slow on end, at the most. */
  readonly longestMs: number;
  /** How long a piece of work took, in milliseconds: the median. */
  readonly pieceMs: number;
  /** How many cores others used meanwhile. */
  readonly othersCores: number;
}

/** This many times slower than usual counts as slow. */
export const slowFactor = 8;

const seconds = 3;

/**
 * Repeats one piece of arithmetic, of about a tenth of a millisecond, and looks how long it takes each
 * time. It touches neither memory nor the system: what makes it slow is the machine's doing, and makes
 * everything slow that runs on it.
 */
export function measureSteadiness(): Steadiness {
  const times: number[] = [];
  // V8 compiles the loop within the first of these.
  for (let warmUp = 0; warmUp < 2000; warmUp += 1) {
    runPiece();
  }
  const before = busySeconds();
  const own = process.cpuUsage();
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    times.push(runPiece());
  }
  const othersCores = (busySeconds() - before - process.cpuUsage(own).user / 1e6) / seconds;
  const pieceMs = median(times);
  const limit = slowFactor * pieceMs;
  let slowMs = 0;
  let longestMs = 0;
  let onEndMs = 0;
  for (const time of times) {
    onEndMs = time > limit ? onEndMs + time : 0;
    slowMs += time > limit ? time : 0;
    longestMs = Math.max(longestMs, onEndMs);
  }
  return {
    ...{ slowShare: slowMs / (seconds * 1000), longestMs, pieceMs },
    othersCores: Math.max(0, othersCores),
  };
}

/** For how long all cores together have been busy, with whatever it was. */
function busySeconds(): number {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user = 0, nice = 0, system = 0, _idle, _wait, interrupts = 0, soft = 0, stolen = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  // In ticks of 10 ms.
  return (user + nice + system + interrupts + soft + stolen) / 100;
}

let state = 88_172_645;

/** One piece, and how long it took, in milliseconds. */
function runPiece(): number {
  const start = performance.now();
  // Marsaglia's xorshift, whose every step needs the one before.
  let value = state;
  for (let step = 0; step < 60_000; step += 1) {
    value ^= value << 13;
    value ^= value >>> 17;
    value ^= value << 5;
  }
  state = value;
  return performance.now() - start;
}
