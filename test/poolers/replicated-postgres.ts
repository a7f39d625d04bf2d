import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createOrm, migrate } from "@partner-service/postgres-statements";
import { schema } from "../../src/database/open-database.ts";
import { freePort } from "../support/free-port.ts";
import {
  initialize,
  makeServerDirectory,
  type PostgresServer,
  serverIn,
} from "./debian-postgres.ts";
import { runProgram } from "./programs.ts";

/** A primary, and a standby without which it commits nothing. */
export interface ReplicatedPostgres extends AsyncDisposable {
  /** Both hosts, the primary first, for a role that is no superuser. */
  readonly url: string;
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /** Makes the standby the one that takes writes; resolves when it does. */
  promote(): void;
}

/** The programs that it takes. */
export const replicationPrograms = ["initdb", "pg_ctl", "pg_basebackup"] as const;

export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const directory = await makeServerDirectory();
  const [primaryPort, standbyPort] = [await freePort(), await freePort()];
  const folders = { primary: join(directory, "primary"), standby: join(directory, "standby") };
  const primary = serverIn(folders.primary, primaryPort);
  const standby = serverIn(folders.standby, standbyPort);

  initialize(folders.primary);
  primary.start();
  const from = `host=127.0.0.1 port=${primaryPort} user=postgres application_name=standby`;
  runProgram("pg_basebackup", ...["-d", from, "-D", folders.standby, "-R", "-c", "fast", "-N"]);
  standby.start();
  await primary.query("create role partner_service login");
  await primary.query("grant all on schema public to partner_service");
  await primary.query("alter system set synchronous_standby_names = 'standby'");
  await primary.query("select pg_reload_conf()");
  const synchronous = "select 1 from pg_stat_replication where sync_state = 'sync'";
  while ((await primary.query(synchronous)).length === 0) {
    await delay(20);
  }
  const hosts = `127.0.0.1:${primaryPort},127.0.0.1:${standbyPort}`;
  const url = `postgres://partner_service@${hosts}/postgres?target_session_attrs=read-write`;
  const orm = await createOrm({ databaseUrl: url, statementTimeoutMs: 0 }, schema);
  await migrate(orm);
  await orm.close(true);
  return {
    ...{ url, primary, standby },
    promote: () => runProgram("pg_ctl", "promote", "-w", "-D", folders.standby),
    async [Symbol.asyncDispose]() {
      standby.stop();
      primary.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
