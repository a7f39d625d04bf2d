import type { Calls } from "./calls.ts";
import { contenders, isServed, type ServerContender, targetOf } from "./contenders.ts";
import type { Database } from "./database.ts";
import { findGenerators, type Generators } from "./load/generators.ts";
import type { LoadResult } from "./load/load.ts";
import { probeGrpc, probeJson } from "./load/probe.ts";
import { connections, prepareTable, succeeded } from "./phases/bench.ts";
import { grpcConnections, grpcStreams } from "./phases/throughput.ts";
import { type Estimate, estimate } from "./report/estimate.ts";
import { median } from "./report/results.ts";
import type { ServerProcess } from "./server-process.ts";

/** A running server that is compared with another, and the database that it is on. */
export interface Side {
  readonly server: ServerProcess;
  readonly database: Database;
}

/** What the same call takes of two servers, in microseconds of CPU. */
export interface Comparison {
  readonly first: number;
  readonly second: number;
  /** How many times what the first takes the second takes, and between what that lies. */
  readonly ratio: Estimate;
}

export interface Turns {
  /** How often both are started. */
  readonly starts: number;
  /** How often each has its turn, by start. */
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** The calls of the service that are compared, each by the contender of the benchmark that makes it. */
export const comparedCalls = {
  create: "CreatePartner, JSON",
  "create-grpc": "CreatePartner, gRPC",
  get: "GetPartner, GET",
  list: "ListPartners, page of 20, GET",
  batch: "BatchCreatePartners of 100, JSON",
} as const;

export type ComparedCall = keyof typeof comparedCalls;

const contenderIds: Readonly<Record<ComparedCall, string>> = {
  create: "service",
  "create-grpc": "service-grpc",
  get: "service-get",
  list: "service-list",
  batch: "service-batch",
};

/**
 * Loads two servers with the same call, in turn, so that whatever the machine goes through meets both: only what is
 * measured in one round is compared. V8 does not compile the same twice, by which two processes of one code may
 * differ by a tenth: what counts as one value is what a start of both has in the middle of its rounds.
 */
export async function compareInTurn(
  call: ComparedCall,
  [startOne, startOther]: readonly [() => Promise<Side>, () => Promise<Side>],
  calls: Calls,
  turns: Turns,
): Promise<Comparison> {
  const first: number[] = [];
  const second: number[] = [];
  // Of what scatters alike, ratios lie further above 1 than below, and their logarithms do not.
  const logarithms: number[] = [];
  for (let started = 0; started < turns.starts; started += 1) {
    const sides: Side[] = [];
    try {
      const one = await startOne();
      sides.push(one);
      const other = await startOther();
      sides.push(other);
      const rounds = await measureInTurn(call, [one, other], calls, turns);
      first.push(...rounds.map(([micros]) => micros));
      second.push(...rounds.map(([, micros]) => micros));
      logarithms.push(median(rounds.map(([first, second]) => Math.log(second / first))));
    } finally {
      await Promise.all(sides.map(({ server }) => server.stop()));
    }
  }
  const { middle, least, most } = estimate(logarithms);
  return {
    first: median(first),
    second: median(second),
    ratio: { middle: Math.exp(middle), least: Math.exp(least), most: Math.exp(most) },
  };
}

/** Returns for each round the CPU by the call of each side, in microseconds. */
async function measureInTurn(
  call: ComparedCall,
  sides: readonly [Side, Side],
  calls: Calls,
  { rounds, seconds, warmUpSeconds }: Turns,
): Promise<readonly (readonly [number, number])[]> {
  const generators = await findGenerators();
  const contender = findContender(call);
  for (const { server } of sides) {
    await prepare(contender, sides, calls);
    const target = targetOf(contender, server, calls);
    await (contender.load === "grpc" ? probeGrpc(target) : probeJson(target));
    await load(generators, contender, server, calls, warmUpSeconds);
  }
  const take = async ({ server }: Side) => {
    const before = await server.cpuMicros();
    const result = await load(generators, contender, server, calls, seconds);
    return ((await server.cpuMicros()) - before) / result.calls;
  };
  const [one, other] = sides;
  const measured: [number, number][] = [];
  for (let round = 0; round < rounds; round += 1) {
    await prepare(contender, sides, calls);
    if (round % 2 === 0) {
      measured.push([await take(one), await take(other)]);
    } else {
      const later = await take(other);
      measured.push([await take(one), later]);
    }
  }
  return measured;
}

function findContender(call: ComparedCall): ServerContender {
  const contender = contenders.filter(isServed).find(({ id }) => id === contenderIds[call]);
  if (contender === undefined) {
    throw new Error(`There is no contender ${contenderIds[call]}.`);
  }
  return contender;
}

async function prepare(
  contender: ServerContender,
  sides: readonly Side[],
  calls: Calls,
): Promise<void> {
  for (const database of new Set(sides.map((side) => side.database))) {
    await prepareTable(contender, { database, calls });
  }
}

/** How often a turn is tried again in which a machine that was busy otherwise did not come to a call. */
const maxTries = 5;

async function load(
  generators: Generators,
  contender: ServerContender,
  server: ServerProcess,
  calls: Calls,
  seconds: number,
): Promise<LoadResult> {
  const target = targetOf(contender, server, calls);
  for (let left = maxTries; ; left -= 1) {
    const result =
      contender.load === "grpc"
        ? await generators.grpc(target, grpcConnections, grpcStreams, seconds)
        : await generators.http1(target, connections, seconds);
    if (left === 0 || result.calls > 0 || result.failures > 0) {
      return succeeded(contender, result);
    }
  }
}
