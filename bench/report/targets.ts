import { type Memory, median, type Results } from "./results.ts";

/** A promise about speed, and what was measured. */
export interface Target {
  readonly title: string;
  readonly measured: number;
  readonly limit: number;
  /** Whether the limit is the least or the most that is promised. */
  readonly bound: "≥" | "≤";
  readonly unit: "" | "MB" | "ms";
  readonly met: boolean;
}

/** Holds the results against the targets. What was not measured is left out. */
export function compareWithTargets(results: Results): readonly Target[] {
  const rate = (id: string) => results.throughput.find((each) => each.id === id)?.callsPerSecond;
  const p50 = (id: string) => results.oneCaller.find((each) => each.id === id)?.p50Ms;
  const { halfRate, memory, startMs } = results;
  return [
    target("JSON: against PostgreSQL itself", ratio(rate("service"), rate("pgbench")), "≥", 0.9),
    target(
      "JSON, two processes: against PostgreSQL itself",
      ratio(rate("service-twice"), rate("pgbench")),
      "≥",
      0.9,
    ),
    target("JSON: against Fastify by hand", ratio(rate("service"), rate("fastify-rest")), "≥", 2.5),
    target(
      "JSON: against connect-fastify",
      ratio(rate("service"), rate("connect-fastify")),
      "≥",
      8,
    ),
    target(
      "GetPartner: against Fastify by hand",
      ratio(rate("service-get"), rate("fastify-rest-get")),
      "≥",
      1.5,
    ),
    target("gRPC: against grpc-js by hand", ratio(rate("service-grpc"), rate("grpc-js")), "≥", 1.5),
    target(
      "gRPC: against UNARY_LANE=off",
      ratio(rate("service-grpc"), rate("service-lane-off-grpc")),
      "≥",
      3,
    ),
    target(
      "One caller: latency against Fastify by hand",
      ratio(p50("service"), p50("fastify-rest")),
      "≤",
      1.1,
    ),
    target("Half of the highest rate: p99 to p50", ratio(halfRate?.p99Ms, halfRate?.p50Ms), "≤", 5),
    target("Memory after a minute of full load", afterMinute(memory), "≤", 250, "MB"),
    target("Growth of memory from then on", growth(memory), "≤", 1.1),
    target("Start to ready, on PostgreSQL", startMs, "≤", 1000, "ms"),
  ].flatMap((each) => each ?? []);
}

function target(
  title: string,
  measured: number | undefined,
  bound: Target["bound"],
  limit: number,
  unit: Target["unit"] = "",
): Target | undefined {
  if (measured === undefined) {
    return undefined;
  }
  const met = bound === "≥" ? measured >= limit : measured <= limit;
  return { title, measured, limit, bound, unit, met };
}

function ratio(value: number | undefined, base: number | undefined): number | undefined {
  return value === undefined || base === undefined ? undefined : value / base;
}

function afterMinute(memory: Memory | undefined): number | undefined {
  const samples = memory?.bySecond?.slice(60) ?? [];
  return samples.length === 0 ? undefined : Math.max(...samples);
}

/** The memory at the end over that after a minute: 1, give or take, where it is flat. */
function growth(memory: Memory | undefined): number | undefined {
  const samples = memory?.bySecond?.slice(60) ?? [];
  const third = Math.floor(samples.length / 3);
  return third === 0 ? undefined : median(samples.slice(-third)) / median(samples.slice(0, third));
}
