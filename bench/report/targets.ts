import { callsPerSecond } from "../phases/latency.ts";
import { type Memory, median, type Results } from "./results.ts";

/** A promise about speed, and what was measured. */
export interface Target {
  readonly title: string;
  readonly measured: number;
  /** What Fastify and the shared statement alone come to, where that was measured. */
  readonly atBest: number | undefined;
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
  const p99 = (id: string) => results.atRate.find((each) => each.id === id)?.p99Ms;
  const cpu = (id: string) => results.throughput.find((each) => each.id === id)?.cpuMicrosPerCall;
  const { memory, start } = results;
  const service = rate("service");
  const bare = rate("fastify-bare");
  return [
    target("JSON: against PostgreSQL itself", "≥", 1.4, {
      measured: ratio(service, rate("pgbench")),
      atBest: ratio(bare, rate("pgbench")),
    }),
    target("JSON, two processes: against PostgreSQL itself", "≥", 0.9, {
      measured: ratio(rate("service-twice"), rate("pgbench")),
    }),
    target("JSON: against Fastify by hand", "≥", 2.2, {
      measured: ratio(service, rate("fastify-rest")),
      atBest: ratio(bare, rate("fastify-rest")),
    }),
    target("JSON: CPU against the bound", "≤", 1.5, {
      measured: ratio(cpu("service"), cpu("fastify-bare")),
    }),
    target("JSON: against connect-fastify", "≥", 8, {
      measured: ratio(service, rate("connect-fastify")),
      atBest: ratio(bare, rate("connect-fastify")),
    }),
    target("gRPC: CPU against JSON", "≤", 1.2, {
      measured: ratio(cpu("service-grpc"), cpu("service")),
    }),
    target("gRPC: against grpc-js by hand", "≥", 1.5, {
      measured: ratio(rate("service-grpc"), rate("grpc-js")),
    }),
    target("gRPC: against UNARY_LANE=off", "≥", 3, {
      measured: ratio(rate("service-grpc"), rate("service-lane-off-grpc")),
    }),
    target("BatchCreatePartners: against PostgreSQL itself", "≥", 0.6, {
      measured: ratio(rate("service-batch"), rate("pgbench-batch")),
    }),
    target("GetPartner: against Fastify by hand", "≥", 1.6, {
      measured: ratio(rate("service-get"), rate("fastify-rest-get")),
      atBest: ratio(rate("fastify-bare-get"), rate("fastify-rest-get")),
    }),
    target("GetPartner, two processes: against two by hand", "≥", 1.5, {
      measured: ratio(rate("service-twice-get"), rate("fastify-rest-twice-get")),
    }),
    target("ListPartners: against Fastify by hand", "≥", 1, {
      measured: ratio(rate("service-list"), rate("fastify-rest-list")),
    }),
    target("One caller: latency of a create against Fastify by hand", "≤", 1.2, {
      measured: ratio(p50("service"), p50("fastify-rest")),
      atBest: ratio(p50("fastify-bare"), p50("fastify-rest")),
    }),
    target("One caller: latency of a get against Fastify by hand", "≤", 1.1, {
      measured: ratio(p50("service-get"), p50("fastify-rest-get")),
    }),
    target(`${callsPerSecond} creates a second: p99 against Fastify by hand`, "≤", 1, {
      measured: ratio(p99("service"), p99("fastify-rest")),
      atBest: ratio(p99("fastify-bare"), p99("fastify-rest")),
    }),
    target("Memory after a minute of full load", "≤", 350, {
      measured: afterMinute(memory),
      unit: "MB",
    }),
    target("Growth of memory from then on", "≤", 1.1, { measured: growth(memory) }),
    target("Start to ready, on PostgreSQL", "≤", 600, { measured: start.postgres, unit: "ms" }),
    target("Start to ready, in a new sandbox", "≤", 1500, {
      measured: start.sandboxFirst,
      unit: "ms",
    }),
    target("Start to ready, in a sandbox again", "≤", 1000, {
      measured: start.sandboxAgain,
      unit: "ms",
    }),
  ].flatMap((each) => each ?? []);
}

interface Figures {
  readonly measured: number | undefined;
  readonly atBest?: number | undefined;
  readonly unit?: Target["unit"];
}

function target(
  title: string,
  bound: Target["bound"],
  limit: number,
  { measured, atBest, unit = "" }: Figures,
): Target | undefined {
  if (measured === undefined) {
    return undefined;
  }
  const met = bound === "≥" ? measured >= limit : measured <= limit;
  return { title, measured, atBest, limit, bound, unit, met };
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
