import type { Call } from "./call.ts";
import { type Contender, targetOf } from "./contenders.ts";
import type { Database } from "./database.ts";
import type { Generators } from "./load/generators.ts";
import type { LoadResult } from "./load/load.ts";
import { runPgbench } from "./load/pgbench.ts";
import type { ServerProcess } from "./server-process.ts";

export const connections = 64;
export const grpcConnections = 8;
export const grpcStreams = 8;

/** What one contender did in one round. */
export interface RoundResult {
  readonly callsPerSecond: number;
  /** CPU time of its process for each call, in microseconds; absent for PostgreSQL itself. */
  readonly cpuMicrosPerCall?: number;
}

/** Loads a contender as much as it takes, and holds its answers against the rows in the database. */
export async function measureThroughput(
  contender: Contender,
  server: ServerProcess | undefined,
  call: Call,
  seconds: number,
  database: Database,
  generators: Generators,
): Promise<RoundResult> {
  if (server === undefined) {
    await database.reset();
    const result = await runPgbench(database.url, connections, seconds);
    await checkRows(contender, result, database);
    return { callsPerSecond: result.calls / result.seconds };
  }
  const target = targetOf(contender, server, call);
  const load = (duration: number) =>
    contender.load === "grpc"
      ? generators.grpc(target, grpcConnections, grpcStreams, duration)
      : generators.http1(target, connections, duration);

  await load(1);
  await database.reset();
  const cpuBefore = await server.cpuMicros();
  const result = await load(seconds);
  const cpuMicros = (await server.cpuMicros()) - cpuBefore;
  await checkRows(contender, result, database);
  return {
    callsPerSecond: result.calls / result.seconds,
    cpuMicrosPerCall: cpuMicros / result.calls,
  };
}

/**
 * Every call that was answered must be a row, and but for those cut off at the end, the other way
 * round: no contender is fast by answering what it has not stored.
 */
async function checkRows(
  { id }: Contender,
  { calls, failures }: LoadResult,
  database: Database,
): Promise<void> {
  const rows = await database.countPartners();
  if (failures > 0 || rows < calls || rows > calls + 2 * connections) {
    throw new Error(
      `${id} answered ${calls} calls, failed ${failures}, and stored ${rows} partners.`,
    );
  }
}
