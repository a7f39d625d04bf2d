import { median } from "../report/results.ts";

/** How steadily the machine runs by itself. */
export interface Steadiness {
  /** The share of the time in which it was slow, from 0 to 1. */
  readonly slowShare: number;
  /** How long it was slow on end, at the most. */
  readonly longestMs: number;
}

/** This many times slower than usual counts as slow. */
export const slowFactor = 8;

const seconds = 10;

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
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    times.push(runPiece());
  }
  const limit = slowFactor * median(times);
  let slowMs = 0;
  let longestMs = 0;
  let onEndMs = 0;
  for (const time of times) {
    onEndMs = time > limit ? onEndMs + time : 0;
    slowMs += time > limit ? time : 0;
    longestMs = Math.max(longestMs, onEndMs);
  }
  return { slowShare: slowMs / (seconds * 1000), longestMs };
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
