import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createPgliteDatabase } from "../../../test/support/databases.ts";
import { toDatabaseFailure } from "../src/failures.ts";
import { createOrm, type Orm, ping, query } from "../src/index.ts";
import { createNotes, schema, withNotes } from "./support/notes.ts";

const run = promisify(execFile);

let directory: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "notes-pglite-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    await kill(child);
  }
  await rm(directory, { recursive: true, force: true });
});

/** Starts a process of support/ on the data directory, and waits for as many lines of it. */
async function startChild(script: string, dataDirectory: string, lineCount: number) {
  const file = join(import.meta.dirname, "support", script);
  const child = spawn(process.execPath, [file, dataDirectory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  const ended = once(reader, "close");
  await new Promise<void>((resolve, reject) => {
    reader.on("line", (line) => {
      lines.push(line);
      if (lines.length === lineCount) {
        resolve();
      }
    });
    child.once("exit", () => reject(new Error("The process has ended.")));
  });
  /** Kills the process and returns all that it has printed. */
  const stop = async () => {
    await kill(child);
    await ended;
    return lines;
  };
  return { stop };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
}

const idsIn = async (orm: Orm) =>
  (await query(orm, "select id from note", [])).map(({ id }) => String(id));

test("A data directory is made whole where a start was killed that made one", async () => {
  const dataDirectory = join(directory, "database");
  const unfinished = `${dataDirectory}.unfinished`;
  await mkdir(unfinished);
  await writeFile(join(unfinished, "PG_VERSION"), "18\n");
  await using orm = await createOrm({ dataDirectory }, schema);
  await expect(ping(orm)).resolves.toBeUndefined();
  expect(existsSync(unfinished)).toBe(false);
});

test("A data directory is for its owner only", async () => {
  const orm = await createOrm({ dataDirectory: join(directory, "database") }, schema);
  await orm.close(true);
  const modes = await Promise.all(
    ["database", "database.lock", "database/base", "database/PG_VERSION"].map(async (path) =>
      ((await stat(join(directory, path))).mode & 0o777).toString(8),
    ),
  );
  expect(modes).toEqual(["700", "600", "700", "600"]);
});

test.each([
  ["gone", "rm -r database", "is gone"],
  ["emptied", "rm -r database/*", "is gone"],
  ["of an older PostgreSQL", "echo 16 > database/PG_VERSION", "of PostgreSQL 16, cannot be opened"],
  ["damaged", "truncate -s 100 database/global/pg_control", "cannot be opened"],
])("A database that is %s is not replaced by an empty one", async (_what, damage, told) => {
  await using database = await withNotes(createPgliteDatabase());
  const { dataDirectory } = database.settings;
  const before = await createOrm(database.settings, schema);
  await before.close(true);
  await run("sh", ["-c", damage], { cwd: dirname(dataDirectory) });
  await expect(createOrm(database.settings, schema)).rejects.toMatchObject({
    name: "UnusableDatabaseError",
    message: expect.stringContaining(told),
  });
});

test("PostgreSQL caches little of what the system caches", async () => {
  await using database = await withNotes(createPgliteDatabase());
  await using orm = await createOrm(database.settings, schema);
  expect(await query(orm, "show shared_buffers", [])).toEqual([{ shared_buffers: "16MB" }]);
});

test("What was written is there after a restart", async () => {
  await using database = await withNotes(createPgliteDatabase());
  const first = await createOrm(database.settings, schema);
  const note = await createNotes(first).write();
  await first.close(true);
  await using second = await createOrm(database.settings, schema);
  expect(await idsIn(second)).toEqual([note.id]);
});

test("What was answered is there after the process was killed", { timeout: 180_000 }, async () => {
  await using database = await withNotes(createPgliteDatabase());
  const { dataDirectory } = database.settings;
  const answered: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const writer = await startChild("note-writer.ts", dataDirectory, 100);
    const [opened, ...ids] = await writer.stop();
    expect(opened).toBe("open");
    answered.push(...ids);
  }
  await using orm = await createOrm({ dataDirectory }, schema);
  const stored = new Set(await idsIn(orm));
  expect(answered.length).toBeGreaterThanOrEqual(297);
  expect(answered.filter((id) => !stored.has(id))).toEqual([]);
});

test("A data directory is in use by one process, for as long as that lives", async () => {
  await using database = await withNotes(createPgliteDatabase());
  const { dataDirectory } = database.settings;
  const holder = await startChild("data-directory-holder.ts", dataDirectory, 1);
  await expect(createOrm(database.settings, schema)).rejects.toMatchObject({
    name: "UnusableDatabaseError",
    message: `The data directory ${dataDirectory} is in use by another process.`,
  });
  await holder.stop();
  await using orm = await createOrm(database.settings, schema);
  await expect(ping(orm)).resolves.toBeUndefined();
});

test("A data directory is opened once within a process, and again after it was closed", async () => {
  await using database = await withNotes(createPgliteDatabase());
  const first = await createOrm(database.settings, schema);
  await expect(createOrm(database.settings, schema)).rejects.toThrow("is in use");
  await expect(ping(first)).resolves.toBeUndefined();
  await first.close(true);
  await using second = await createOrm(database.settings, schema);
  await expect(ping(second)).resolves.toBeUndefined();
});

test("A closed data directory stays closed", async () => {
  await using database = await withNotes(createPgliteDatabase());
  const orm = await createOrm(database.settings, schema);
  await orm.close(true);
  await orm.close(true);
  const closed = {
    name: "DatabaseUnavailableError",
    cause: { message: "The database is closed." },
  };
  await expect(ping(orm)).rejects.toMatchObject(closed);
  expect(await orm.em.execute("select 1").catch(toDatabaseFailure)).toMatchObject(closed);
});
