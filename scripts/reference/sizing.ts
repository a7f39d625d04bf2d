import latest from "../../bench/results/latest.json" with { type: "json" };
import { settings } from "../../src/config/settings.ts";
import { table } from "./markdown.ts";

/** How much of its core a process is to have left. */
const load = 0.5;

const calls = [
  ["service", "CreatePartner, JSON"],
  ["service-grpc", "CreatePartner, gRPC"],
  ["service-get", "GetPartner"],
  ["service-list", "ListPartners, a page of 20"],
] as const;

/** What calls take, as the last `npm run bench` has measured it, and what follows from that for an example. */
export function sizingSection(): string {
  const example = { service: 1000, "service-get": 4000 };
  const cores =
    Object.entries(example).reduce((sum, [id, rate]) => sum + rate * micros(id), 0) / 1e6;
  const needed = Math.ceil(cores / load);
  const connections = (processes: number) => processes * Number(settings.pool.poolSize.default);
  const rows = calls.map(([id, title]) => [
    title,
    `${micros(id).toFixed(0)} µs`,
    `${number((load * 1e6) / micros(id))} a second`,
  ]);
  return `${table(["call", "CPU", "by a process at half of a core"], rows)}
At its peak a process took ${latest.memory.peak.toFixed(0)} MB.

For example, ${number(example.service)} creates in JSON and ${number(example["service-get"])} reads a second take ${cores.toFixed(2)} cores: ${needed} processes, and one more
so that one may be missing; ${connections(needed + 1)} connections to PostgreSQL, ${connections(needed + 2)} while they are replaced.
`;
}

function micros(id: string): number {
  const row = latest.throughput.find((one) => one.id === id);
  if (row?.cpuMicrosPerCall === undefined) {
    throw new Error(`bench/results/latest.json has no CPU time of ${id}.`);
  }
  return row.cpuMicrosPerCall;
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
