import type { Call } from "../calls.ts";

/** Where a load goes, and what it sends: the same call, over and over. */
export interface Target {
  /** `http://127.0.0.1:PORT` and the call's path. */
  readonly url: string;
  readonly call: Call;
}

/** What a load saw. Whether the calls were stored, the database tells. */
export interface LoadResult {
  /** Calls that were answered with success. */
  readonly calls: number;
  readonly failures: number;
  readonly seconds: number;
}

/** A load that also timed each call. */
export interface TimedResult extends LoadResult {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The value below which the share (0 to 1) of the numbers lies. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
