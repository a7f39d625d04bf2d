import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type EventEmitter, once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test } from "vitest";
import { createPostgresDatabase } from "../../../test/support/databases.ts";
import { databaseUrlOn, onServer } from "../../../test/support/postgres.ts";
import { createTcpProxy, type TcpProxy } from "../../../test/support/tcp-proxy.ts";
import { toDatabaseFailure } from "../src/failures.ts";
import {
  countConnections,
  createOrm,
  createStatement,
  type Orm,
  ping,
  query,
  type StatementEvent,
} from "../src/index.ts";
import { createNotes, schema, withNotes } from "./support/notes.ts";

const unavailable = { name: "DatabaseUnavailableError" };

describe("With PostgreSQL", () => {
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>;
  let name: string;
  let orm: Orm;
  /** Another pool, to look at what goes on in the first. */
  let observer: Orm;

  beforeEach(async () => {
    database = await withNotes(createPostgresDatabase());
    name = new URL(database.settings.databaseUrl).pathname.slice(1);
    orm = await createOrm(database.settings, schema);
    observer = await createOrm(database.settings, schema);
  });
  afterEach(async () => {
    await orm.close(true);
    await observer.close(true);
    await database.close();
  });

  const { serverUrl } = inject("databaseTemplates");

  /** Ends the sessions in the database, or those that run a statement like this. */
  const cutConnections = (statement = "%") =>
    onServer(
      serverUrl,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = '${name}' and query like '${statement}'`,
    );

  const insert = () => createNotes(orm).write();

  const sleepers = async () => {
    const sql = `select 1 from pg_stat_activity where datname = $1 and state = 'active'
      and query like 'select pg_sleep%'`;
    return (await query(observer, sql, [name])).length;
  };

  const blockedSessions = async () => {
    const sql = `select 1 from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0`;
    return (await query(observer, sql, [])).length;
  };

  test("the service is ready, and leaves durability to the server", async () => {
    await expect(ping(orm)).resolves.toBeUndefined();
    const sql = `select current_setting('application_name') as name,
      current_setting('synchronous_commit') as commit, current_setting('statement_timeout') as timeout`;
    expect(await query(orm, sql, [])).toEqual([{ name: "notes", commit: "on", timeout: "3s" }]);
  });

  test("a statement keeps one core of the server busy, or as many as somebody has chosen", async () => {
    const sql = "select current_setting('max_parallel_workers_per_gather') as workers";
    expect(await query(orm, sql, [])).toEqual([{ workers: "0" }]);
    await query(orm, `alter database ${name} set max_parallel_workers_per_gather = 3`, []);
    const later = await createOrm(database.settings, schema);
    expect(await query(later, sql, [])).toEqual([{ workers: "3" }]);
    await later.close(true);
  });

  test("the service goes on after its idle connections are cut", async () => {
    await Promise.all(Array.from({ length: 10 }, () => insert()));
    for (let round = 0; round < 3; round += 1) {
      await cutConnections();
      const notes = await Promise.all(Array.from({ length: 20 }, () => insert()));
      expect(notes).toHaveLength(20);
    }
  });

  test("a statement whose connection is cut finds the database unavailable", async () => {
    const outcome = query(orm, "select pg_sleep(60)", []).catch((error: unknown) => error);
    await expect.poll(sleepers).toBe(1);
    await cutConnections("select pg_sleep%");
    expect(await outcome).toMatchObject({ ...unavailable, passing: true });
    await expect(ping(orm)).resolves.toBeUndefined();
  });

  test("an insert whose connection is cut is done again", async () => {
    const em = observer.em.fork();
    await em.begin();
    await em.execute("lock table note in exclusive mode");
    const writing = insert();
    await expect.poll(blockedSessions).toBe(1);
    await cutConnections("insert into%");
    await expect.poll(blockedSessions).toBe(1);
    await em.rollback();
    const note = await writing;
    expect(await createNotes(orm).all()).toEqual([note]);
  });

  test("a statement that takes too long is ended", async () => {
    const hasty = await createOrm({ ...database.settings, statementTimeoutMs: 50 }, schema);
    await expect(query(hasty, "select pg_sleep(60)", [])).rejects.toMatchObject({
      ...unavailable,
      passing: false,
      cause: { code: "57014" },
    });
    await hasty.close(true);
    expect(await sleepers()).toBe(0);
  });

  test("a call that gets no connection finds the database unavailable", async () => {
    const busy = await createOrm({ ...database.settings, statementTimeoutMs: 0 }, schema);
    const sleeping = Array.from({ length: 10 }, () =>
      query(busy, "select pg_sleep(60)", []).catch((error: unknown) => error),
    );
    await expect.poll(sleepers).toBe(10);
    await Promise.all([
      expect(createNotes(busy).write()).rejects.toMatchObject(unavailable),
      expect(ping(busy)).rejects.toMatchObject(unavailable),
    ]);
    await cutConnections("select pg_sleep%");
    await Promise.all(sleeping);
    await expect(ping(busy)).resolves.toBeUndefined();
    await busy.close(true);
  });

  test("a statement for which others leave no connection is refused after two seconds", async () => {
    const busy = await createOrm({ ...database.settings, poolSize: 2 }, schema);
    const statements = Array.from({ length: 10 }, () => query(busy, "select pg_sleep(0.6)", []));
    const outcomes = await Promise.allSettled(statements);
    const statuses = outcomes.map(({ status }) => status);
    expect(statuses.slice(0, 2)).toEqual(["fulfilled", "fulfilled"]);
    expect(outcomes.at(-1)).toMatchObject({ reason: { name: "OverloadedError" } });
    await expect(ping(busy)).resolves.toBeUndefined();
    await busy.close(true);
  });

  test("what waits for its turn is refused after two seconds where others are answered, and else finds the database unavailable", async () => {
    const settings = { ...database.settings, poolSize: 2, statementTimeoutMs: 0 };
    const busy = await createOrm(settings, schema);
    const asker = { key: "one", signal: new AbortController().signal };
    const sleep = () => busy.inTurn(asker, () => query(busy, "select pg_sleep(60)", []));
    const sleeping = sleep().catch((error: unknown) => error);
    await expect.poll(sleepers).toBe(1);
    const [waiting, alsoWaiting] = [sleep(), sleep()].map((piece) =>
      piece.catch((error: unknown) => error),
    );
    expect(await countConnections(busy)).toEqual({ max: 2, total: 1, idle: 0, waiting: 2 });
    await expect(busy.inTurn({ ...asker, key: "other" }, async () => 1)).rejects.toMatchObject(
      unavailable,
    );
    await Promise.all([waiting, alsoWaiting]);
    const overloaded = sleep().catch((error: unknown) => error);
    const answering = setInterval(() => void query(busy, "select 1", []), 100);
    expect(await overloaded).toMatchObject({ name: "OverloadedError" });
    clearInterval(answering);
    await cutConnections("select pg_sleep%");
    await sleeping;
    await busy.close(true);
  });

  test("a server that takes no more connections is unavailable", async () => {
    const role = `role_${randomUUID().replaceAll("-", "")}`;
    await onServer(serverUrl, `create role ${role} login password 'x' connection limit 0`);
    const url = new URL(database.settings.databaseUrl);
    url.username = role;
    url.password = "x";
    const crowded = await createOrm({ databaseUrl: url.href }, schema);
    const outcome = await ping(crowded).catch((error: unknown) => error);
    await crowded.close(true);
    await onServer(serverUrl, `drop role ${role}`);
    expect(outcome).toMatchObject({ ...unavailable, cause: { code: "53300" } });
  });

  test("a server that is read-only is unavailable, and available once it takes writes", async () => {
    await onServer(serverUrl, `alter database ${name} set default_transaction_read_only = on`);
    await cutConnections();
    await expect(insert()).rejects.toMatchObject({ ...unavailable, cause: { code: "25006" } });
    await expect(ping(orm)).rejects.toMatchObject({
      ...unavailable,
      cause: { message: "The database is read-only." },
    });
    await onServer(serverUrl, `alter database ${name} reset default_transaction_read_only`);
    await cutConnections();
    await expect(ping(orm)).resolves.toBeUndefined();
    await expect(insert()).resolves.toBeDefined();
  });

  test.each([
    ["datestyle", "'German, DMY'"],
    ["intervalstyle", "sql_standard"],
    ["timezone", "'Asia/Kolkata'"],
    ["client_encoding", "latin1"],
    ["standard_conforming_strings", "off"],
    ["bytea_output", "escape"],
    ["transform_null_equals", "on"],
    ["default_transaction_isolation", "serializable"],
    ["default_transaction_deferrable", "on"],
  ])("a database whose %s is %s is read and written as any other", async (setting, value) => {
    const differ = await query(observer, "select current_setting($1) as value", [setting]);
    await onServer(serverUrl, `alter database ${name} set ${setting} to ${value}`);
    await using other = await createOrm(database.settings, schema);
    expect(await query(other, "select current_setting($1) as value", [setting])).toEqual(differ);
    const notes = createNotes(other);
    const written = await notes.write({ text: "C:\\new Ünïcode 🏭" });
    expect(await notes.all()).toEqual([written]);
  });

  test.each([
    ["the password has changed", "alter role $role password 'other'", "28P01"],
    ["the role may not log in", "alter role $role nologin", "28000"],
    ["the database has another name", `alter database $name rename to $other`, "3D000"],
    ["the database takes no connections", `alter database $name allow_connections false`, "55000"],
    ["the role has too many", "alter role $role connection limit 0", "53300"],
  ])(
    "a server that turns the service away, because %s, is unavailable",
    async (_why, sql, code) => {
      const role = `role_${randomUUID().replaceAll("-", "")}`;
      const names: Record<string, string> = { $role: role, $name: name, $other: `${name}_other` };
      const onNames = (text: string) => text.replace(/\$\w+/g, (key) => names[key] ?? key);
      await onServer(serverUrl, `create role ${role} login password 'x'`);
      const url = new URL(database.settings.databaseUrl);
      url.username = role;
      url.password = "x";
      const turnedAway = await createOrm({ databaseUrl: url.href }, schema);
      await query(turnedAway, "select 1", []);
      await observer.close(true);
      await cutConnections();
      await onServer(serverUrl, onNames(sql));
      // The first may still go into the connection that was cut.
      await query(turnedAway, "select 1", []).catch(() => undefined);
      const failures = await Promise.all([
        query(turnedAway, "select 1", []).catch((error: unknown) => error),
        ping(turnedAway).catch((error: unknown) => error),
      ]);
      await turnedAway.close(true);
      await onServer(serverUrl, onNames("drop database if exists $other with (force)"));
      await onServer(serverUrl, `drop role ${role}`);
      expect(failures).toMatchObject([0, 0].map(() => ({ ...unavailable, cause: { code } })));
    },
  );

  test("each statement is told once it has ended, with the calls that share it", async () => {
    const notes = createNotes(orm);
    await notes.write();
    const events: StatementEvent[] = [];
    // The channel's messages are of this type.
    const listener = (event: unknown) => events.push(event as StatementEvent);
    subscribe("postgres-statements.statement", listener);
    await Promise.all(Array.from({ length: 7 }, () => notes.write()));
    await query(orm, "select 1 / $1::int", [0]).catch((error: unknown) => error);
    unsubscribe("postgres-statements.statement", listener);
    const told = events.map(({ name: statement, text, calls, failure }) => ({
      statement: statement ?? text,
      calls: calls?.length,
      failure,
    }));
    expect(told).toEqual([
      { statement: "insert-notes", calls: 7, failure: undefined },
      {
        statement: "select 1 / $1::int",
        calls: undefined,
        failure: expect.objectContaining({ name: "DatabaseError", sqlState: "22012" }),
      },
    ]);
    expect(events.every(({ durationMs }) => durationMs > 0)).toBe(true);
  });

  test("the rows of a statement with a name are described once, and read alike each time", async () => {
    const lone = await createOrm({ ...database.settings, poolSize: 1 }, schema);
    onTestFinished(() => lone.close(true));
    const described: number[] = [];
    const pool = await lone.driver.getConnection().getNativeClient();
    if (!("totalCount" in pool)) {
      throw new Error("This is no pool of connections to PostgreSQL.");
    }
    // Its types lack the connection that a client has.
    pool.on("connect", (client: { connection?: EventEmitter }) =>
      client.connection?.on("rowDescription", ({ fields }) => described.push(fields.length)),
    );
    const text = `select $1::int4 as number, 'x'::text as text, null::text as nothing,
      10 / $1::int4 > 1 as holds where $1 <> 7`;
    const divide = createStatement(lone, "divide", text);
    const row = { text: "x", nothing: null };
    expect(await divide([1])).toEqual([{ ...row, number: 1, holds: true }]);
    expect(await divide([7])).toEqual([]);
    await expect(divide([0])).rejects.toMatchObject({ name: "DatabaseError" });
    expect(await divide([10])).toEqual([{ ...row, number: 10, holds: false }]);
    expect(described.filter((length) => length === 4)).toEqual([4]);
    await cutConnections();
    await expect.poll(() => divide([5]).catch(() => undefined)).toHaveLength(1);
    expect(described.filter((length) => length === 4)).toEqual([4, 4]);
  });

  test("closing ends the connections", async () => {
    await Promise.all(Array.from({ length: 10 }, () => insert()));
    const sql = "select 1 from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()";
    const others = async () => (await query(observer, sql, [name])).length;
    expect(await others()).toBe(10);
    await orm.close(true);
    await expect.poll(others).toBe(0);
  });

  test("a closed pool stays closed", async () => {
    await orm.close(true);
    await orm.close(true);
    const closed = { ...unavailable, cause: { message: "The database is closed." } };
    await expect(insert()).rejects.toMatchObject(closed);
    expect(await orm.em.execute("select 1").catch(toDatabaseFailure)).toMatchObject(closed);
  });

  test("a parameter of the URL reaches the driver", async () => {
    const url = `${database.settings.databaseUrl}?sslmode=verify-full`;
    const encrypted = await createOrm({ databaseUrl: url }, schema);
    await expect(ping(encrypted)).rejects.toMatchObject({
      ...unavailable,
      cause: { message: "The server does not support SSL connections" },
    });
    await encrypted.close(true);
  });
});

describe("On the way to PostgreSQL", () => {
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>;
  let proxy: TcpProxy;
  let orm: Orm;

  beforeEach(async () => {
    database = await withNotes(createPostgresDatabase());
    proxy = await createTcpProxy(database.settings.databaseUrl);
    orm = await createOrm({ databaseUrl: proxy.url, statementTimeoutMs: 500 }, schema);
  });
  afterEach(async () => {
    await orm.close(true);
    await proxy.close();
    await database.close();
  });

  const insert = () => createNotes(orm).write();

  const count = async () => (await query(orm, "select count(*)::int as n from note", []))[0]?.n;

  test("a lost answer does not double a row", async () => {
    proxy.loseAnswerTo("insert into");
    await insert();
    expect(await count()).toBe(1);
  });

  test("the service goes on when the server is back", async () => {
    await insert();
    await proxy.stop();
    await expect(insert()).rejects.toMatchObject({
      ...unavailable,
      cause: { code: "ECONNREFUSED" },
    });
    await expect(ping(orm)).rejects.toMatchObject(unavailable);
    await proxy.start();
    await insert();
    await expect(ping(orm)).resolves.toBeUndefined();
    expect(await count()).toBe(2);
  });

  test("a call waits for a server that is back in a moment", async () => {
    await insert();
    await proxy.stop();
    const waiting = insert();
    await proxy.start();
    await waiting;
    expect(await count()).toBe(2);
  });

  test("a connection that has fallen silent is given up", async () => {
    await Promise.all(Array.from({ length: 10 }, () => insert()));
    proxy.silence();
    const failures = await Promise.allSettled(Array.from({ length: 10 }, () => insert()));
    expect(failures.map(({ status }) => status)).toEqual(failures.map(() => "rejected"));
    await expect(ping(orm)).resolves.toBeUndefined();
    await insert();
  });

  test("connections that fell silent while they were idle fail no call", async () => {
    await Promise.all(Array.from({ length: 10 }, () => insert()));
    // Longer than a connection is trusted without a sign of life.
    await setTimeout(1100);
    proxy.silence();
    const notes = await Promise.all(Array.from({ length: 10 }, () => insert()));
    expect(notes).toHaveLength(10);
    expect(await count()).toBe(20);
  });
});

// At once, for they wait for what does not come.
describe.concurrent("With no server", () => {
  test("the database is unavailable, and closing does no harm", async () => {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    // A TCP server's address is never a pipe's name.
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const orm = await createOrm(
      { databaseUrl: `postgres://user:secret@127.0.0.1:${port}/none` },
      schema,
    );
    const outcome = { ...unavailable, cause: { code: "ECONNREFUSED" } };
    await expect(ping(orm)).rejects.toMatchObject(outcome);
    await expect(createNotes(orm).write()).rejects.toMatchObject(outcome);
    await orm.close(true);
  });

  test("a host without a name is unavailable", async () => {
    const orm = await createOrm({ databaseUrl: "postgres://user@nowhere.invalid/none" }, schema);
    await expect(ping(orm)).rejects.toMatchObject(unavailable);
    await orm.close(true);
  });

  test("a server that says nothing is unavailable within two seconds", async () => {
    const mute = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
    await once(mute, "listening");
    const { port } = mute.address() as AddressInfo;
    const orm = await createOrm({ databaseUrl: `postgres://user@127.0.0.1:${port}/none` }, schema);
    await expect(ping(orm)).rejects.toMatchObject({
      ...unavailable,
      cause: { message: "The ping got no answer." },
    });
    await orm.close(true);
    await new Promise((resolve) => mute.close(resolve));
  });

  test("a database that is missing is unavailable", async () => {
    const { serverUrl } = inject("databaseTemplates");
    const orm = await createOrm({ databaseUrl: databaseUrlOn(serverUrl, "missing") }, schema);
    await expect(ping(orm)).rejects.toMatchObject({ ...unavailable, cause: { code: "3D000" } });
    await orm.close(true);
  });
});
