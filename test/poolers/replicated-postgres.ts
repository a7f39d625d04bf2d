import { readFileSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createOrm, migrate } from "@partner-service/postgres-statements";
import { schema } from "../../src/schema.ts";
import { freePort } from "../support/postgres.ts";
import { runProgram, unprivilegedUser } from "./programs.ts";
import { rowsOf } from "./rows.ts";

/** A primary, and a standby without which it commits nothing. */
export interface ReplicatedPostgres extends AsyncDisposable {
  /** Both hosts, the primary first, for a role that is no superuser. */
  readonly url: string;
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /** Makes the standby the one that takes writes; resolves when it does. */
  promote(): void;
}

interface PostgresServer {
  /** Runs a statement as a superuser. */
  readonly query: ReturnType<typeof rowsOf>["query"];
  /** Ends it and all its processes with SIGKILL. */
  kill(): void;
  /** Stops all its processes in their tracks: sockets stay open and silent. */
  pause(): void;
  resume(): void;
}

/** The programs that it takes. */
export const replicationPrograms = ["initdb", "pg_ctl", "pg_basebackup"] as const;

export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const directory = await mkdtemp(join(tmpdir(), "partner-replicated-"));
  const { uid, gid } = unprivilegedUser();
  if (uid !== undefined && gid !== undefined) {
    await chown(directory, uid, gid);
  }
  const [primaryPort, standbyPort] = [await freePort(), await freePort()];
  const folders = { primary: join(directory, "primary"), standby: join(directory, "standby") };
  const start = (folder: string, port: number) =>
    runProgram(
      ...["pg_ctl", "start", "-w", "-D", folder, "-l", `${folder}.log`],
      ...["-o", `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''`],
    );
  const stop = (folder: string) => {
    try {
      runProgram("pg_ctl", "stop", "-D", folder, "-m", "immediate");
    } catch {
      // It has been killed.
    }
  };
  const serverAt = (folder: string, port: number): PostgresServer => {
    const signal = (name: NodeJS.Signals) => {
      for (const pid of processesOf(folder)) {
        process.kill(pid, name);
      }
    };
    return {
      query: rowsOf(`postgres://postgres@127.0.0.1:${port}/postgres`).query,
      kill: () => signal("SIGKILL"),
      pause: () => signal("SIGSTOP"),
      resume: () => signal("SIGCONT"),
    };
  };
  const primary = serverAt(folders.primary, primaryPort);
  const standby = serverAt(folders.standby, standbyPort);

  runProgram("initdb", ...["-D", folders.primary, "-U", "postgres", "-A", "trust"], "-EUTF8");
  start(folders.primary, primaryPort);
  const from = `host=127.0.0.1 port=${primaryPort} user=postgres application_name=standby`;
  runProgram("pg_basebackup", ...["-d", from, "-D", folders.standby, "-R", "-c", "fast"]);
  start(folders.standby, standbyPort);
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
      stop(folders.standby);
      stop(folders.primary);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The postmaster first, so that it makes no more; none where it has ended. */
function processesOf(folder: string): readonly number[] {
  try {
    const pid = Number(readFileSync(join(folder, "postmaster.pid"), "utf8").split("\n", 1)[0]);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return [pid, ...children.split(" ").filter(Boolean).map(Number)];
  } catch {
    return [];
  }
}
