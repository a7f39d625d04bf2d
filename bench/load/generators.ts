import { runGrpcLoad } from "./grpc-load.ts";
import { runH2load } from "./h2load.ts";
import { runClosedLoad } from "./http1-load.ts";
import type { LoadResult, Target, TimedResult } from "./load.ts";
import { findProgram } from "./programs.ts";
import { runWrk } from "./wrk.ts";

/** The load generators of this machine: programs in C where they are installed, else our own. */
export interface Generators {
  /** Versions of the programs; undefined for those that are missing. */
  readonly versions: Readonly<Record<"wrk" | "h2load" | "pgbench", string | undefined>>;
  /** HTTP/1.1, one call at a time on each connection. */
  http1(target: Target, connections: number, seconds: number): Promise<TimedResult>;
  /** gRPC over h2c, so many calls at a time on each connection. */
  grpc(target: Target, connections: number, streams: number, seconds: number): Promise<LoadResult>;
}

export async function findGenerators(): Promise<Generators> {
  const [wrk, h2load, pgbench] = await Promise.all(["wrk", "h2load", "pgbench"].map(findProgram));
  return {
    versions: { wrk, h2load, pgbench },
    http1: wrk === undefined ? runClosedLoad : runWrk,
    grpc: h2load === undefined ? runGrpcLoad : runH2load,
  };
}
