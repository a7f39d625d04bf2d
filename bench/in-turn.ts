import type { Calls } from "./calls.ts";
import { contenders, isServed, type ServerContender, targetOf } from "./contenders.ts";
import type { Database } from "./database.ts";
import { findGenerators, type Generators } from "./load/generators.ts";
import type { LoadResult } from "./load/load.ts";
import { probeGrpc, probeJson } from "./load/probe.ts";
import { connections, prepareTable, succeeded } from "./phases/bench.ts";
import { grpcConnections, grpcStreams } from "./phases/throughput.ts";
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
  /** How many times what the first takes the second takes: the median of the rounds' own. */
  readonly ratio: number;
}

export interface Turns {
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

/** Loads two servers with the same call, in turn: only what is measured in one round is compared. */
export async function compareInTurn(
  call: ComparedCall,
  sides: readonly [Side, Side],
  calls: Calls,
  turns: Turns,
): Promise<Comparison> {
  const rounds = await measureInTurn(call, sides, calls, turns);
  const ofSide = (side: number) => rounds.map((micros) => micros[side] ?? Number.NaN);
  const [first, second] = [ofSide(0), ofSide(1)];
  return {
    first: median(first),
    second: median(second),
    ratio: median(second.map((micros, round) => micros / (first[round] ?? Number.NaN))),
  };
}

/**
 * Loads servers with the same call, one after the other, round by round, so that whatever the machine goes
 * through meets all.
 *
 * @returns for each round the CPU by the call of each side, in microseconds
 */
export async function measureInTurn(
  call: ComparedCall,
  sides: readonly Side[],
  calls: Calls,
  { rounds, seconds, warmUpSeconds }: Turns,
): Promise<readonly (readonly number[])[]> {
  const generators = await findGenerators();
  const contender = findContender(call);
  for (const { server } of sides) {
    await prepare(contender, sides, calls);
    const target = targetOf(contender, server, calls);
    await (contender.load === "grpc" ? probeGrpc(target) : probeJson(target));
    await load(generators, contender, server, calls, warmUpSeconds);
  }
  const measured: number[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    await prepare(contender, sides, calls);
    const micros: number[] = [];
    const inOrder = [...sides.entries()];
    for (const [side, { server }] of round % 2 === 0 ? inOrder : inOrder.toReversed()) {
      const before = await server.cpuMicros();
      const result = await load(generators, contender, server, calls, seconds);
      micros[side] = ((await server.cpuMicros()) - before) / result.calls;
    }
    measured.push(micros);
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
