import type { Calls } from "./calls.ts";
import { contenders, isServed, type ServerContender, targetOf } from "./contenders.ts";
import type { Database } from "./database.ts";
import { openCallers } from "./load/counted-load.ts";
import { probeGrpc, probeJson } from "./load/probe.ts";
import { callersOf, prepareTable } from "./phases/bench.ts";
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
  /** How long both are loaded, at the same time, before the first turn. */
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

/** What else the machine does changes within seconds: neighbouring turns are to meet the same of it. */
const turnMs = 250;

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
  const rounds: Round[] = [];
  // Of what scatters alike, ratios lie further above 1 than below, and their logarithms do not.
  const logarithms: number[] = [];
  for (let started = 0; started < turns.starts; started += 1) {
    const sides: Side[] = [];
    const start = async (startSide: () => Promise<Side>) => {
      const side = await startSide();
      sides.push(side);
      return side;
    };
    try {
      // Whether one is started before the other is to tell nothing.
      const earlier = started % 2 === 0 ? undefined : await start(startOther);
      const one = await start(startOne);
      const other = earlier ?? (await start(startOther));
      const ofStart = await measureInTurn(call, [one, other], calls, turns);
      rounds.push(...ofStart);
      logarithms.push(median(ofStart.map(({ first, second }) => Math.log(second / first))));
    } finally {
      await Promise.all(sides.map(({ server }) => server.stop()));
    }
  }
  const { middle, least, most } = estimate(logarithms);
  return {
    first: median(rounds.map(({ first }) => first)),
    second: median(rounds.map(({ second }) => second)),
    ratio: { middle: Math.exp(middle), least: Math.exp(least), most: Math.exp(most) },
  };
}

/** The CPU by the call of each side, in microseconds. */
interface Round {
  readonly first: number;
  readonly second: number;
}

async function measureInTurn(
  call: ComparedCall,
  [one, other]: readonly [Side, Side],
  calls: Calls,
  { rounds, warmUpSeconds }: Turns,
): Promise<readonly Round[]> {
  const contender = findContender(call);
  for (const database of new Set([one.database, other.database])) {
    await prepareTable(contender, { database, calls });
  }
  const [first, second] = [await open(contender, one, calls), await open(contender, other, calls)];
  try {
    await Promise.all([first, second].map((side) => side.makeCallsFor(warmUpSeconds * 1000)));
    const measured: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      if (round % 2 === 0) {
        measured.push({ first: await first.take(), second: await second.take() });
      } else {
        measured.push({ second: await second.take(), first: await first.take() });
      }
    }
    return measured;
  } finally {
    first.close();
    second.close();
  }
}

/** Opens the callers of one side, which has answered a call already. */
async function open(contender: ServerContender, { server }: Side, calls: Calls) {
  const target = targetOf(contender, server, calls);
  await (contender.load === "grpc" ? probeGrpc(target) : probeJson(target));
  const callers = await openCallers(target, callersOf(contender));
  return {
    ...callers,
    /** The CPU by the call of one turn, in microseconds. */
    async take(): Promise<number> {
      const before = await server.cpuMicros();
      const made = await callers.makeCallsFor(turnMs);
      return ((await server.cpuMicros()) - before) / made;
    },
  };
}

function findContender(call: ComparedCall): ServerContender {
  const contender = contenders.filter(isServed).find(({ id }) => id === contenderIds[call]);
  if (contender === undefined) {
    throw new Error(`There is no contender ${contenderIds[call]}.`);
  }
  return contender;
}
