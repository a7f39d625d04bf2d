import {
  type Contender,
  type DatabaseContender,
  isServed,
  type ServerContender,
  targetOf,
} from "../contenders.ts";
import type { LoadResult } from "../load/load.ts";
import { runPgbench } from "../load/pgbench.ts";
import { probeGrpc, probeJson } from "../load/probe.ts";
import { median, type Throughput } from "../report/results.ts";
import {
  type Bench,
  callersOf,
  prepareTable,
  type Servers,
  say,
  serverOf,
  succeeded,
} from "./bench.ts";
import { measureSteadiness, type Steadiness } from "./steadiness.ts";

export const grpcConnections = 8;
export const grpcStreams = 8;

/** What one contender did in one round. */
interface RoundResult {
  readonly callsPerSecond: number;
  /** CPU time of its process for each call, in microseconds; absent for PostgreSQL itself. */
  readonly cpuMicrosPerCall?: number;
}

/** Each contender once a round, so that whatever the machine goes through meets all of them. */
export async function measureThroughput(
  bench: Bench,
  present: readonly Contender[],
  servers: Servers,
): Promise<{
  readonly throughput: readonly Throughput[];
  readonly steadiness: readonly Steadiness[];
}> {
  const rounds = new Map<Contender, RoundResult[]>(present.map((contender) => [contender, []]));
  await warmUp(bench, present, servers);
  const steadiness = [measureSteadiness()];
  for (let round = 1; round <= bench.options.rounds; round += 1) {
    for (const [contender, results] of rounds) {
      const result = isServed(contender)
        ? await measureServer(bench, contender, servers)
        : await measureDatabase(bench, contender);
      results.push(result);
      const rate = Math.round(result.callsPerSecond);
      say(`round ${round} of ${bench.options.rounds}: ${contender.id}, ${rate} calls a second`);
    }
    steadiness.push(measureSteadiness());
  }
  const throughput = [...rounds].map(([{ id, title, operation, load }, results]) => {
    const cpu = results.flatMap(({ cpuMicrosPerCall }) => cpuMicrosPerCall ?? []);
    return {
      id,
      title,
      operation,
      load,
      callsPerSecond: median(results.map(({ callsPerSecond }) => callsPerSecond)),
      rounds: results.map(({ callsPerSecond }) => callsPerSecond),
      cpuMicrosPerCall: cpu.length === 0 ? undefined : median(cpu),
    };
  });
  return { throughput, steadiness };
}

/**
 * Probes each server and loads it for a while before the first round. V8 compiles what runs often
 * several times over, and takes tens of thousands of calls to have each function in its last form:
 * rounds that began with a fresh process would measure the compiler, and those who run more code
 * by the call would pay more for it.
 */
async function warmUp(
  bench: Bench,
  present: readonly Contender[],
  servers: Servers,
): Promise<void> {
  const { warmUpSeconds } = bench.options;
  for (const contender of present.filter(isServed)) {
    await prepareTable(contender, bench);
    const target = targetOf(contender, serverOf(contender, servers), bench.calls);
    await (contender.load === "grpc" ? probeGrpc(target) : probeJson(target));
    succeeded(contender, await load(bench, contender, servers, warmUpSeconds));
    say(`warm: ${contender.id}`);
  }
}

async function measureDatabase(bench: Bench, contender: DatabaseContender): Promise<RoundResult> {
  await prepareTable(contender, bench);
  const { rows } = contender;
  const load = { clients: callersOf(contender), rows };
  const result = await runPgbench(bench.database.url, load, bench.options.seconds);
  await checkRows(bench, contender, rows, result);
  return { callsPerSecond: result.calls / result.seconds };
}

/** Loads a server as much as it takes, and holds what it created against the rows in the database. */
async function measureServer(
  bench: Bench,
  contender: ServerContender,
  servers: Servers,
): Promise<RoundResult> {
  const server = serverOf(contender, servers);
  await prepareTable(contender, bench);
  await load(bench, contender, servers, 1);
  await prepareTable(contender, bench);
  const cpuBefore = await server.cpuMicros();
  const result = await load(bench, contender, servers, bench.options.seconds);
  const cpuMicros = (await server.cpuMicros()) - cpuBefore;
  if (contender.operation === "create" || contender.operation === "batch") {
    await checkRows(bench, contender, contender.call(bench.calls).creates ?? 1, result);
  } else {
    succeeded(contender, result);
  }
  return {
    callsPerSecond: result.calls / result.seconds,
    cpuMicrosPerCall: cpuMicros / result.calls,
  };
}

function load(
  { calls, generators }: Bench,
  contender: ServerContender,
  servers: Servers,
  seconds: number,
): Promise<LoadResult> {
  const target = targetOf(contender, serverOf(contender, servers), calls);
  return contender.load === "grpc"
    ? generators.grpc(target, grpcConnections, grpcStreams, seconds)
    : generators.http1(target, callersOf(contender), seconds);
}

/**
 * Every call that was answered must be a row, and but for those cut off at the end, the other way
 * round: no contender is fast by answering what it has not stored.
 */
async function checkRows(
  { database }: Bench,
  contender: Contender,
  rowsPerCall: number,
  { calls, failures }: LoadResult,
): Promise<void> {
  const rows = await database.countPartners();
  const least = calls * rowsPerCall;
  if (failures > 0 || rows < least || rows > least + 2 * callersOf(contender) * rowsPerCall) {
    throw new Error(
      `${contender.id} answered ${calls} calls, failed ${failures}, and stored ${rows} partners.`,
    );
  }
}
