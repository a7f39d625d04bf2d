import { randomUUID } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSettings } from "@partner-service/postgres-statements";
import { inject } from "vitest";
import { databaseUrlOn, onServer } from "./postgres.ts";

/** The engines that everything about the database is tested on. */
export const databaseKinds = ["postgresql", "pglite"] as const;

export type DatabaseKind = (typeof databaseKinds)[number];

/** A migrated database without rows, which nobody else uses. */
export interface TestDatabase extends AsyncDisposable {
  readonly settings: DatabaseSettings;
  /** Removes the database, whoever is still connected. */
  close(): Promise<void>;
}

export async function createTestDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  return kind === "postgresql" ? createPostgresDatabase() : createPgliteDatabase();
}

/** Creates a database on the server; `template1` makes one that is not migrated. */
export async function createPostgresDatabase(
  template = inject("databaseTemplates").database,
): Promise<TestDatabase & { readonly settings: { readonly databaseUrl: string } }> {
  const { serverUrl } = inject("databaseTemplates");
  const database = `partner_${randomUUID().replaceAll("-", "")}`;
  const close = () => onServer(serverUrl, `drop database if exists ${database} with (force)`);
  // The default strategy also writes all that it copies to the log.
  await onServer(serverUrl, `create database ${database} template ${template} strategy file_copy`);
  return {
    settings: { databaseUrl: databaseUrlOn(serverUrl, database) },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export async function createPgliteDatabase(): Promise<
  TestDatabase & { readonly settings: { readonly dataDirectory: string } }
> {
  const directory = await mkdtemp(join(tmpdir(), "partner-pglite-"));
  const dataDirectory = join(directory, "database");
  const close = () => rm(directory, { recursive: true, force: true });
  await cp(inject("databaseTemplates").dataDirectory, dataDirectory, { recursive: true });
  return { settings: { dataDirectory }, close, [Symbol.asyncDispose]: close };
}
