import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { contenders, isServed, targetOf } from "./contenders.ts";
import { type Fixture, withFixture } from "./fixture.ts";
import { findGenerators } from "./load/generators.ts";
import { runOpenLoad } from "./load/http1-load.ts";
import type { LoadResult } from "./load/load.ts";
import { callersOf, connections, prepareTable } from "./phases/bench.ts";
import { callsPerSecond } from "./phases/latency.ts";
import { grpcConnections, grpcStreams } from "./phases/throughput.ts";
import { type CpuProfile, pausesBetween, type Times, timesBetween } from "./profile/parts.ts";
import { writeSection } from "./report/performance-page.ts";
import { startContender } from "./servers.ts";

/** V8 compiles the service's code to its last form within some ten thousand calls. */
const warmUpSeconds = 20;
const loadSeconds = 15;

/** The contenders whose calls are profiled, and what the tables call these; the first one's start is, too. */
const profiled = {
  service: "a create by this service",
  "fastify-bare": "by its bound",
  "fastify-rest": "by Fastify by hand",
  "service-grpc": "a create by gRPC by this service",
  "service-batch": "a batch of 100 by this service",
  "service-get": "a get by this service",
  "fastify-rest-get": "by Fastify by hand",
  "service-list": "a list of 20 by this service",
  "fastify-rest-list": "by Fastify by hand",
} as const;

type Profiled = keyof typeof profiled;

// Object.keys loses the names' type.
const ids = Object.keys(profiled) as Profiled[];
/** Those that one caller calls as well, and those that are called at a constant rate. */
const alone: readonly Profiled[] = ["service", "fastify-rest", "service-get", "fastify-rest-get"];
const paced: readonly Profiled[] = ["service", "fastify-bare", "fastify-rest"];

/** What a load saw, and when it was, in seconds since the server's start. */
interface Phase<Result> {
  readonly result: Result;
  readonly from: number;
  readonly to: number;
}

/** Profiles calls under full load, by one caller and at a constant rate, and the service's start. */
async function main(): Promise<void> {
  const text = await withFixture(async (fixture) => {
    const profiles = new Map<Profiled, Awaited<ReturnType<typeof profileContender>>>();
    for (const id of ids) {
      profiles.set(id, await profileContender(id, fixture));
    }
    const all = [...profiles].map(([id, profile]) => ({ title: profiled[id], ...profile }));
    const start = { title: "this service's start", times: all[0]?.start ?? new Map() };
    const lone = all.flatMap(({ title, one }) =>
      one ? [{ title: `${title}, alone`, times: one }] : [],
    );
    return [
      ...formatTimes(all.map(({ title, full }) => ({ title, times: full }))),
      "",
      ...formatTimes([...lone, start]),
      "",
      ...formatPauses(all.flatMap(({ title, atRate }) => (atRate ? [{ title, ...atRate }] : []))),
      "",
    ].join("\n");
  });
  console.log(text);
  await writeSection("bench:profile", text);
}

async function profileContender(
  id: Profiled,
  { database, calls, publicKeyFile, directory }: Fixture,
) {
  const contender = contenders.filter(isServed).find((one) => one.id === id);
  if (contender === undefined) {
    throw new Error(`There is no contender ${id}.`);
  }
  const folder = join(directory, id);
  await mkdir(folder);
  await prepareTable(contender, { database, calls });
  const startedAt = performance.now();
  const now = () => (performance.now() - startedAt) / 1000;
  const server = await startContender(contender.server, database, publicKeyFile, {
    args: ["--cpu-prof", `--cpu-prof-dir=${folder}`],
  });
  const readyAfter = now();
  const { http1, grpc } = await findGenerators();
  const target = targetOf(contender, server, calls);
  const load = (seconds: number) =>
    contender.load === "grpc"
      ? grpc(target, grpcConnections, grpcStreams, seconds)
      : http1(target, callersOf(contender), seconds);

  async function run<Result>(work: () => Promise<Result>): Promise<Phase<Result>> {
    const from = now();
    const result = await work();
    return { result, from, to: now() };
  }

  await load(warmUpSeconds);
  const full = await run(() => load(loadSeconds));
  const one = alone.includes(id) ? await run(() => http1(target, 1, loadSeconds)) : undefined;
  const atRate = paced.includes(id)
    ? await run(() => runOpenLoad(target, connections, callsPerSecond, loadSeconds))
    : undefined;
  await server.stop();
  const profile = await readProfile(folder);
  const byCall = ({ result, from, to }: Phase<LoadResult>): Times =>
    new Map(
      [...timesBetween(profile, from, to)].map(([part, time]) => [part, time / result.calls]),
    );
  return {
    start: timesBetween(profile, 0, readyAfter),
    full: byCall(full),
    one: one && byCall(one),
    atRate: atRate && {
      p99Ms: atRate.result.p99Ms,
      pauses: pausesBetween(profile, atRate.from, atRate.to),
    },
  };
}

async function readProfile(directory: string): Promise<CpuProfile> {
  const [name] = await readdir(directory);
  if (name === undefined) {
    throw new Error("Node wrote no profile.");
  }
  // Node's own format, of which CpuProfile is the part that is read.
  return JSON.parse(await readFile(join(directory, name), "utf8")) as CpuProfile;
}

interface Column {
  readonly title: string;
  readonly times: Times;
}

/** A table of the parts, those first that take most of the first column. */
function formatTimes(columns: readonly Column[]): string[] {
  const parts = [...(columns[0]?.times ?? [])].toSorted(([, a], [, b]) => b - a);
  return formatTable("CPU time of the main thread", columns, [
    ...parts.map(
      ([part]) => [part, ({ times }: Column) => duration(times.get(part) ?? 0)] as const,
    ),
    ["all", ({ times }) => duration([...times.values()].reduce((sum, time) => sum + time, 0))],
  ]);
}

interface PausesColumn {
  readonly title: string;
  readonly p99Ms: number;
  readonly pauses: readonly number[];
}

/** Collections that a call may notice, in milliseconds. */
const longPauseMs = 2;

function formatPauses(columns: readonly PausesColumn[]): string[] {
  const long = ({ pauses }: PausesColumn) => pauses.filter((pause) => pause >= longPauseMs);
  return formatTable(`at ${callsPerSecond.toLocaleString("en")} creates a second`, columns, [
    ["p99", ({ p99Ms }) => `${p99Ms.toFixed(1)} ms`],
    [
      `garbage collections of ${longPauseMs} ms and more, a second`,
      (column) => (long(column).length / loadSeconds).toFixed(1),
    ],
    ["the longest garbage collection", ({ pauses }) => `${Math.max(0, ...pauses).toFixed(1)} ms`],
  ]);
}

/** A table with a column for each, and a row for each that there is to tell of them. */
function formatTable<Each extends { readonly title: string }>(
  head: string,
  columns: readonly Each[],
  rows: readonly (readonly [title: string, cell: (column: Each) => string])[],
): string[] {
  return [
    `| ${head} | ${columns.map(({ title }) => title).join(" | ")} |`,
    `|---|${columns.map(() => "---:|").join("")}`,
    ...rows.map(([title, cell]) => `| ${title} | ${columns.map(cell).join(" | ")} |`),
  ];
}

function duration(micros: number): string {
  return micros < 10_000 ? `${micros.toFixed(1)} µs` : `${(micros / 1000).toFixed(0)} ms`;
}

await main();
