import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Call, createCall } from "./call.ts";
import {
  type Contender,
  contenders,
  type ServerName,
  startContender,
  targetOf,
} from "./contenders.ts";
import { type Database, startDatabase } from "./database.ts";
import { endWith } from "./end-with.ts";
import { measureAtRate, measureOneCaller, summarizeLatency } from "./latency.ts";
import { findGenerators, type Generators } from "./load/generators.ts";
import type { TimedResult } from "./load/load.ts";
import { probeGrpc, probeJson } from "./load/probe.ts";
import { connections, measureThroughput, type RoundResult } from "./measure.ts";
import { watchMemory } from "./memory.ts";
import { type Options, readOptions, usage } from "./options.ts";
import { keepResults } from "./report/keep.ts";
import { describeMachine } from "./report/machine.ts";
import { type Memory, median, type Results, type Throughput } from "./report/results.ts";
import { formatResults } from "./report/table.ts";
import type { ServerProcess } from "./server-process.ts";

/** Who is timed with one caller: the service, and what it is held against. */
const oneCallerIds = ["service", "fastify-rest"];
const oneCallerSeconds = 3;
const startsMeasured = 5;
const watchedSeconds = 90;

/** What the measurements share. */
interface Bench {
  readonly options: Options;
  readonly call: Call;
  readonly publicKeyFile: string;
  readonly database: Database;
  readonly generators: Generators;
}

/** Measures the service and its peers in turn, on one database, and prints one table. */
async function main(options: Options): Promise<void> {
  const generators = await findGenerators();
  const { wrk, h2load, pgbench } = generators.versions;
  const chosen = contenders.filter(({ id }) => options.only.includes(id));
  const present = chosen.filter(({ load }) => load !== "sql" || pgbench !== undefined);
  if (present.length < chosen.length) {
    say("pgbench is not installed: PostgreSQL itself is SKIPPED.");
  }
  if (wrk === undefined || h2load === undefined) {
    say("wrk or h2load is not installed: the bench's own generator takes its place.");
  }
  const directory = await mkdtemp(join(tmpdir(), "partner-bench-"));
  const database = await startDatabase();
  try {
    const call = await createCall();
    const publicKeyFile = join(directory, "public-key.pem");
    await writeFile(publicKeyFile, call.publicKey);
    const bench = { options, call, publicKeyFile, database, generators };
    const results = await measure(bench, present);
    console.log(`\n${formatResults(results)}`);
    if (options.only.length === contenders.length) {
      await keepResults(results);
      say("written to bench/results and README.md");
    }
  } finally {
    await database.stop();
    await rm(directory, { recursive: true });
  }
}

async function measure(bench: Bench, present: readonly Contender[]): Promise<Results> {
  const { options, database, generators } = bench;
  const startMs = await measureStart(bench);
  const servers = new Map<ServerName, ServerProcess>();
  try {
    for (const { server } of present) {
      if (server !== undefined && !servers.has(server)) {
        servers.set(server, await startContender(server, database, bench.publicKeyFile));
      }
    }
    const throughput = await measureInTurn(bench, present, servers);
    const timed = present.filter(({ id }) => oneCallerIds.includes(id));
    const oneCaller = await measureOneCallers(bench, timed, servers);
    const service = present.find(({ id }) => id === "service");
    const rate = (throughput.find(({ id }) => id === "service")?.callsPerSecond ?? 0) / 2;
    return {
      measuredAt: new Date().toISOString(),
      machine: describeMachine({
        postgres: database.settings.server_version,
        ...database.settings,
        ...generators.versions,
      }),
      rounds: options.rounds,
      seconds: options.seconds,
      throughput,
      oneCaller,
      halfRate:
        service && (await measureHalfRate(bench, service, serverOf(service, servers), rate)),
      memory: service && (await measureMemory(bench, service, serverOf(service, servers))),
      startMs,
    };
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
}

/** Each contender once a round, so that whatever the machine goes through meets all of them. */
async function measureInTurn(
  { options, call, database, generators }: Bench,
  present: readonly Contender[],
  servers: ReadonlyMap<ServerName, ServerProcess>,
): Promise<readonly Throughput[]> {
  const rounds = new Map<Contender, RoundResult[]>(present.map((contender) => [contender, []]));
  for (const contender of present) {
    if (contender.load !== "sql") {
      const target = targetOf(contender, serverOf(contender, servers), call);
      await (contender.load === "grpc" ? probeGrpc(target) : probeJson(target));
    }
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const [contender, results] of rounds) {
      const server = contender.load === "sql" ? undefined : serverOf(contender, servers);
      const result = await measureThroughput(
        contender,
        server,
        call,
        options.seconds,
        database,
        generators,
      );
      results.push(result);
      const rate = Math.round(result.callsPerSecond);
      say(`round ${round} of ${options.rounds}: ${contender.id}, ${rate} calls a second`);
    }
  }
  return [...rounds].map(([{ id, title, load }, results]) => {
    const cpu = results.flatMap(({ cpuMicrosPerCall }) => cpuMicrosPerCall ?? []);
    return {
      id,
      title,
      load,
      callsPerSecond: median(results.map(({ callsPerSecond }) => callsPerSecond)),
      rounds: results.map(({ callsPerSecond }) => callsPerSecond),
      cpuMicrosPerCall: cpu.length === 0 ? undefined : median(cpu),
    };
  });
}

async function measureOneCallers(
  { options, call, database, generators }: Bench,
  timed: readonly Contender[],
  servers: ReadonlyMap<ServerName, ServerProcess>,
) {
  const rounds = new Map<Contender, TimedResult[]>(timed.map((contender) => [contender, []]));
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const [contender, results] of rounds) {
      const server = serverOf(contender, servers);
      results.push(
        await measureOneCaller(contender, server, call, oneCallerSeconds, database, generators),
      );
    }
    say(`one caller at a time: round ${round} of ${options.rounds}`);
  }
  return [...rounds].map(([{ id }, results]) => summarizeLatency(id, results));
}

async function measureHalfRate(
  { options, call, database }: Bench,
  service: Contender,
  server: ServerProcess,
  callsPerSecond: number,
) {
  const rounds: TimedResult[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    const { seconds } = options;
    rounds.push(await measureAtRate(service, server, call, callsPerSecond, seconds, database));
    say(`half of the highest rate: round ${round} of ${options.rounds}`);
  }
  return { ...summarizeLatency(service.id, rounds), callsPerSecond };
}

/** The most that the service ever took; in long runs, also how it develops under full load. */
async function measureMemory(
  { options, call, generators }: Bench,
  service: Contender,
  server: ServerProcess,
): Promise<Memory> {
  let bySecond: readonly number[] | undefined;
  if (options.long) {
    say(`memory: ${watchedSeconds} seconds of full load`);
    const target = targetOf(service, server, call);
    bySecond = await watchMemory(server, generators.http1(target, connections, watchedSeconds));
  }
  const { peak } = await server.memory();
  return { peak: toMegabytes(peak), bySecond: bySecond?.map(toMegabytes) };
}

/** How long the service takes to be ready, alone on the machine. */
async function measureStart({ database, publicKeyFile }: Bench): Promise<number> {
  const times: number[] = [];
  for (let start = 0; start < startsMeasured; start += 1) {
    const before = performance.now();
    const server = await startContender("service", database, publicKeyFile);
    times.push(performance.now() - before);
    await server.stop();
  }
  say(`start to ready: ${Math.round(median(times))} ms`);
  return median(times);
}

function serverOf(
  { id, server }: Contender,
  servers: ReadonlyMap<ServerName, ServerProcess>,
): ServerProcess {
  const found = server && servers.get(server);
  if (found === undefined) {
    throw new Error(`${id} has not been started.`);
  }
  return found;
}

const toMegabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;

function say(line: string): void {
  console.error(line);
}

const options = readOptions();
if (options === undefined) {
  console.error(usage);
  endWith(2);
} else {
  await main(options);
}
