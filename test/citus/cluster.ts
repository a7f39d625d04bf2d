import { globSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  initialize,
  makeServerDirectory,
  type PostgresServer,
  serverIn,
} from "../poolers/debian-postgres.ts";
import { freePort } from "../support/free-port.ts";

/** A coordinator of Citus and two workers, which share the rows. */
export interface CitusCluster extends AsyncDisposable {
  /** Of the coordinator's database. */
  readonly url: string;
  readonly coordinator: PostgresServer;
  /** By their ports. */
  readonly workers: ReadonlyMap<number, PostgresServer>;
}

/** Whether Debian's PostgreSQL has the extension. */
export const hasCitus = globSync("/usr/share/postgresql/*/extension/citus.control").length > 0;

/** Among themselves they speak in the clear: else each wants the certificate of who started them. */
const options = "-c shared_preload_libraries=citus -c citus.node_conninfo=sslmode=disable";

export async function startCitusCluster(): Promise<CitusCluster> {
  const directory = await makeServerDirectory();
  const servers = new Map<number, PostgresServer>();
  for (const name of ["coordinator", "one", "other"]) {
    const [folder, port] = [join(directory, name), await freePort()];
    const server = serverIn(folder, port, options);
    initialize(folder);
    server.start();
    await server.query("create extension citus");
    servers.set(port, server);
  }
  const [[port, coordinator] = [], ...workers] = servers;
  if (port === undefined || coordinator === undefined) {
    throw new Error("There is no coordinator.");
  }
  await coordinator.query(`select citus_set_coordinator_host('127.0.0.1', ${port})`);
  for (const [worker] of workers) {
    await coordinator.query(`select citus_add_node('127.0.0.1', ${worker})`);
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    coordinator,
    workers: new Map(workers),
    async [Symbol.asyncDispose]() {
      for (const server of servers.values()) {
        server.stop();
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}
