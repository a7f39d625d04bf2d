import type { Operation } from "../calls.ts";
import type { Steadiness } from "../phases/steadiness.ts";

/** Everything that a run found out, as it is kept in results/latest.json. */
export interface Results {
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly rounds: number;
  /** The length of each load. */
  readonly seconds: number;
  /** The length of the load that each contender had before the first round. */
  readonly warmUpSeconds: number;
  readonly throughput: readonly Throughput[];
  /** One caller that waits for each answer. */
  readonly oneCaller: readonly Latency[];
  /** Calls at a constant rate. */
  readonly atRate: readonly Latency[];
  /** Before the first round and after each. */
  readonly steadiness: readonly Steadiness[];
  readonly memory: Memory | undefined;
  readonly start: StartTimes;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  /** With `-dirty` where files differ from it. */
  readonly commit: string;
  /** Of the parts that matter, and the durability settings in PostgreSQL's own words. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface Throughput {
  readonly id: string;
  readonly title: string;
  readonly operation: Operation | "batch";
  readonly load: "json" | "grpc" | "sql";
  /** The median of the rounds. */
  readonly callsPerSecond: number;
  readonly rounds: readonly number[];
  readonly cpuMicrosPerCall: number | undefined;
}

export interface Latency {
  readonly id: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** From the start of the process until /readyz says so, in milliseconds. */
export interface StartTimes {
  /** On PostgreSQL; what Node compiles is there from the start before. */
  readonly postgres: number;
  /** In the sandbox: with nothing there yet, and once more. */
  readonly sandboxFirst: number;
  readonly sandboxAgain: number;
}

/** Resident memory of the service, in megabytes. */
export interface Memory {
  readonly peak: number;
  /** Under full load, by the second; only in long runs. */
  readonly bySecond: readonly number[] | undefined;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}
