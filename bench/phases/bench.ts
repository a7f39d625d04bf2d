import type { Calls } from "../calls.ts";
import type { Contender, ServerContender } from "../contenders.ts";
import type { Database } from "../database.ts";
import type { Generators } from "../load/generators.ts";
import type { LoadResult } from "../load/load.ts";
import type { Options } from "../options.ts";
import type { ServerProcess } from "../server-process.ts";
import type { ServerName } from "../servers.ts";

/** What the measurements share. */
export interface Bench {
  readonly options: Options;
  readonly calls: Calls;
  readonly publicKeyFile: string;
  readonly database: Database;
  readonly generators: Generators;
}

/** The servers that have been started. */
export type Servers = ReadonlyMap<ServerName, ServerProcess>;

export const connections = 64;

/** How many callers there are at a time, over HTTP/1.1 or on connections to PostgreSQL. */
export function callersOf({ operation }: Contender): number {
  return operation === "batch" ? 4 : connections;
}

export function serverOf({ id, server }: ServerContender, servers: Servers): ServerProcess {
  const found = servers.get(server);
  if (found === undefined) {
    throw new Error(`${id} has not been started.`);
  }
  return found;
}

/** Gives a contender the table that it is measured with: an empty one to write to, or a book to read. */
export async function prepareTable(
  { operation }: Contender,
  bench: Pick<Bench, "database" | "calls">,
): Promise<void> {
  const writes = operation === "create" || operation === "batch";
  await bench.database.reset(writes ? undefined : bench.calls.book);
}

/** The result of a load, or what is wrong with it. */
export function succeeded<Result extends LoadResult>({ id }: Contender, result: Result): Result {
  if (result.failures > 0 || result.calls === 0) {
    throw new Error(`${id} answered ${result.calls} calls and failed ${result.failures}.`);
  }
  return result;
}

export function say(line: string): void {
  console.error(line);
}
