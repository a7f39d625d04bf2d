import { callsPerSecond } from "../phases/latency.ts";
import { type Steadiness, slowFactor } from "../phases/steadiness.ts";
import type { Results, Throughput } from "./results.ts";
import { compareWithTargets } from "./targets.ts";

/** The results as Markdown, for a terminal as much as for docs/performance.md. */
export function formatResults(results: Results): string {
  const { machine, rounds, seconds, warmUpSeconds, oneCaller, atRate, memory } = results;
  const { throughput, steadiness } = results;
  const titleOf = (id: string) => {
    const { title = id, operation } = throughput.find((each) => each.id === id) ?? {};
    return operation === "get" ? `a get by ${title}` : `a create by ${title}`;
  };
  const lines = [
    ...groups.flatMap((group) => formatThroughput(group, throughput)),
    ...(oneCaller.length === 0 ? [] : ["| | p50 | p99 |", "|---|---:|---:|"]),
    ...oneCaller.map(
      ({ id, p50Ms, p99Ms }) =>
        `| one caller at a time, ${titleOf(id)} | ${ms(p50Ms)} | ${ms(p99Ms)} |`,
    ),
    ...atRate.map(
      ({ id, p50Ms, p99Ms }) =>
        `| at ${count(callsPerSecond)} a second, ${titleOf(id)} | ${ms(p50Ms)} | ${ms(p99Ms)} |`,
    ),
    ...(oneCaller.length === 0 ? [] : [""]),
    "| | measured | target | | the bound |",
    "|---|---:|---:|---|---:|",
    ...compareWithTargets(results).map(({ title, measured, atBest, bound, limit, unit, met }) => {
      const best = atBest === undefined ? "" : figure(atBest, unit);
      return `| ${title} | ${figure(measured, unit)} | ${bound} ${figure(limit, unit)} | ${met ? "✓" : "✗"} | ${best} |`;
    }),
    "",
    formatSteadiness(steadiness),
    "",
    [
      ...(memory === undefined ? [] : [`At its peak, this service took ${memory.peak} MB.`]),
      `Medians of ${rounds} rounds of ${seconds} s, each contender warmed up for ${warmUpSeconds} s`,
      `before the first; all on one machine with the load generator and`,
      `PostgreSQL ${machine.versions.postgres} (fsync ${machine.versions.fsync},`,
      `synchronous_commit ${machine.versions.synchronous_commit}): ${machine.cores} cores,`,
      `${machine.cpu}, ${machine.memoryGigabytes} GB, ${machine.system},`,
      `Node ${machine.versions.node}. ${results.measuredAt.slice(0, 10)}, ${machine.commit}.`,
    ].join(" "),
  ];
  return `${lines.join("\n")}\n`;
}

/** How quiet the machine was, by what it did before the first round and after each. */
function formatSteadiness(steadiness: readonly Steadiness[]): string {
  const range = (digits: number, measure: (each: Steadiness) => number) => {
    const values = steadiness.map(measure);
    return `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
  };
  const fastest = Math.min(...steadiness.map(({ pieceMs }) => pieceMs));
  const longestMs = Math.max(...steadiness.map((each) => each.longestMs));
  return [
    "The machine itself, before the first round and after each: others used",
    `${range(2, ({ othersCores }) => othersCores)} of its cores, and a loop of arithmetic took`,
    `${range(2, ({ pieceMs }) => pieceMs / fastest)} times as long as at best; it ran ${slowFactor}`,
    `times slower than usual or worse for ${range(1, ({ slowShare }) => slowShare * 100)} % of the`,
    `time, for up to ${Math.round(longestMs)} ms on end: calls that fall into such a time are slow`,
    "for every contender.",
  ].join(" ");
}

/** Contenders that are compared with one of them, the service. */
interface Group {
  readonly title: string;
  readonly serviceId: string;
  readonly holds: (contender: Throughput) => boolean;
}

const groups: readonly Group[] = [
  {
    title: "Connect JSON, HTTP/1.1, 64 connections",
    serviceId: "service",
    holds: ({ operation, load }) => operation === "create" && load !== "grpc",
  },
  {
    title: "gRPC, h2c, 8 connections × 8 streams",
    serviceId: "service-grpc",
    holds: ({ operation, load }) => operation === "create" && load === "grpc",
  },
  {
    title: "BatchCreatePartners of 100, HTTP/1.1, 4 connections",
    serviceId: "service-batch",
    holds: ({ operation }) => operation === "batch",
  },
  {
    title: "GetPartner, HTTP/1.1, 64 connections",
    serviceId: "service-get",
    holds: ({ operation }) => operation === "get",
  },
  {
    title: "ListPartners, first page of 20, HTTP/1.1, 64 connections",
    serviceId: "service-list",
    holds: ({ operation }) => operation === "list",
  },
];

function formatThroughput(
  { title, serviceId, holds }: Group,
  throughput: readonly Throughput[],
): string[] {
  const contenders = throughput.filter(holds);
  if (contenders.length === 0) {
    return [];
  }
  const own = contenders.find(({ id }) => id === serviceId)?.callsPerSecond;
  return [
    `| ${title} | calls a second | CPU a call | this service is |`,
    "|---|---:|---:|---:|",
    ...contenders.map(({ id, title: name, callsPerSecond, cpuMicrosPerCall }) => {
      const cpu = cpuMicrosPerCall === undefined ? "" : `${Math.round(cpuMicrosPerCall)} µs`;
      const ratio =
        own === undefined || id === serviceId ? "" : `× ${(own / callsPerSecond).toFixed(2)}`;
      return `| ${name} | ${count(callsPerSecond)} | ${cpu} | ${ratio} |`;
    }),
    "",
  ];
}

const count = (value: number) => Math.round(value).toLocaleString("en");
const ms = (value: number) => `${value.toFixed(2)} ms`;

function figure(value: number, unit: string): string {
  return unit === "" ? String(Math.round(value * 100) / 100) : `${count(value)} ${unit}`;
}
