import { randomUUID } from "node:crypto";
import { createOrm, query } from "@partner-service/postgres-statements";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { schema } from "../../src/database/open-database.ts";
import { createPartnerRepository } from "../../src/partners/partner-repository.ts";
import { compareWithTable } from "../faults/comparison.ts";
import { startFaultyService } from "../faults/faulty-service.ts";
import { startLoad } from "../faults/load.ts";
import { createPostgresDatabase } from "../support/databases.ts";
import { newPartner } from "../support/partners.ts";
import { onServer } from "../support/postgres.ts";
import { startProcess } from "../support/process.ts";
import { keepsNames, type PgBouncer, type PoolMode, startPgBouncer } from "./pgbouncer.ts";
import { missingPrograms } from "./programs.ts";
import { rowsOf } from "./rows.ts";

const missing = missingPrograms("pgbouncer");
const modes: readonly PoolMode[] = ["session", "transaction"];

describe.skipIf(missing !== "").each(modes)(`behind PgBouncer in %s mode${missing}`, (mode) => {
  const role = `role_${randomUUID().replaceAll("-", "")}`;
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>;
  let roleUrl: string;
  let pooler: PgBouncer;

  const { serverUrl } = inject("databaseTemplates");

  beforeAll(async () => {
    database = await createPostgresDatabase();
    const { databaseUrl } = database.settings;
    await onServer(serverUrl, `create role ${role} login password 'secret'`);
    await onServer(
      databaseUrl,
      `grant select, insert, update, delete on all tables in schema public to ${role}`,
    );
    const url = new URL(databaseUrl);
    url.username = role;
    url.password = "secret";
    roleUrl = url.href;
  });
  beforeEach(async () => {
    pooler = await startPgBouncer(roleUrl, mode);
  });
  afterEach(async () => {
    await pooler?.[Symbol.asyncDispose]();
    await onServer(serverUrl, `alter role ${role} reset all`);
  });
  afterAll(async () => {
    await onServer(database.settings.databaseUrl, `drop owned by ${role}`);
    await database.close();
    await onServer(serverUrl, `drop role ${role}`);
  });

  test("a start is refused in one line while the role has no timeout that the pooler keeps", async () => {
    const { child, output, ended } = startProcess("src/main.ts", {
      PORT: "0",
      DATABASE_URL: pooler.url,
    });
    expect(await ended()).toBe(1);
    expect(child.exitCode).toBe(1);
    expect(output()).toBe(
      "DATABASE_URL leads to a pooler, on which settings of a session are not kept: give them to the " +
        "role, with alter role … set statement_timeout = '3000ms'; and have the pooler connect anew.\n",
    );
  });

  test.each([
    ["statement_timeout", "'4s'", "set statement_timeout = '3000ms'"],
    ["transform_null_equals", "on", "set transform_null_equals = 'off'"],
    ["default_transaction_isolation", "serializable", "set default_transaction_isolation = 'read"],
  ])("a role whose %s is %s is refused", async (name, value, repair) => {
    await onServer(serverUrl, `alter role ${role} set statement_timeout = '3s'`);
    await onServer(serverUrl, `alter role ${role} set ${name} = ${value}`);
    await using orm = await createOrm({ databaseUrl: pooler.url }, schema);
    await expect(query(orm, "select 1", [])).rejects.toMatchObject({
      name: "DatabaseUnavailableError",
      cause: { name: "UnusableDatabaseError", message: expect.stringContaining(repair) },
    });
  });

  test("a statement that takes too long is ended by the server", async () => {
    await onServer(serverUrl, `alter role ${role} set statement_timeout = '50ms'`);
    await using orm = await createOrm({ databaseUrl: pooler.url }, schema);
    await expect(query(orm, "select pg_sleep(60)", [])).rejects.toMatchObject({
      cause: { code: "57014" },
    });
  });

  test("nothing that migrates leaves its timeout to the others", async () => {
    await onServer(serverUrl, `alter role ${role} set statement_timeout = '2s'`);
    await using migrating = await createOrm(
      { databaseUrl: pooler.url, statementTimeoutMs: 0 },
      schema,
    );
    await query(migrating, "select 1", []);
    await using orm = await createOrm({ databaseUrl: pooler.url }, schema);
    const timeouts = await Promise.all(
      Array.from({ length: 10 }, () =>
        query(orm, "select current_setting('statement_timeout') as timeout", []),
      ),
    );
    expect(timeouts.flat()).toEqual(timeouts.map(() => ({ timeout: "2s" })));
  });

  const named = mode === "session" || keepsNames ? "" : " – SKIPPED, PgBouncer is older than 1.21";
  test.for<[string, Record<string, string>]>([
    ["as it comes", {}],
    ["with STATEMENT_NAMES=off", { STATEMENT_NAMES: "off" }],
    [`with STATEMENT_NAMES=on${named}`, { STATEMENT_NAMES: "on" }],
  ])("two processes serve %s, and lose nothing", async ([how, settings], context) => {
    context.skip(how.includes("SKIPPED"));
    await onServer(serverUrl, `alter role ${role} set statement_timeout = '3s'`);
    const first = await startFaultyService(pooler.url, undefined, undefined, settings);
    const second = await startFaultyService(pooler.url, first.issuer, undefined, settings);
    const organization = randomUUID();
    const load = startLoad(
      () => [first, second].flatMap((service) => service.clients()),
      await first.headers(organization),
    );
    await load.answers(500);
    await load.finish();
    const acknowledged = load.acknowledged.length;
    expect(load.refusals).toEqual([]);
    expect(await first.readiness()).toBe(200);
    if (mode === "transaction") {
      // What the service has prepared is on a connection of the server that another client gets now.
      const prepared = await rowsOf(pooler.url).query("select from pg_prepared_statements");
      expect(prepared.length > 0).toBe(settings.STATEMENT_NAMES === "on");
    }
    const found = await compareWithTable(
      rowsOf(database.settings.databaseUrl),
      organization,
      load.acknowledged,
    );
    expect(found).toEqual({
      acknowledged,
      found: acknowledged,
      lost: 0,
      duplicated: 0,
      altered: 0,
    });
    await first.close();
    await second.close();
  });

  test("deleted partners are forgotten", async () => {
    await onServer(serverUrl, `alter role ${role} set statement_timeout = '3s'`);
    await using orm = await createOrm({ databaseUrl: pooler.url }, schema);
    const partners = createPartnerRepository(orm);
    const { signal } = new AbortController();
    const asker = { key: "somebody", signal };
    const partner = await partners.create(newPartner(), signal);
    await partners.delete({ ...partner, revision: undefined }, asker);
    await onServer(
      database.settings.databaseUrl,
      `update partner set deleted_at = now() - interval '91 days', change = 1
        where id = '${partner.id}'`,
    );
    const { output, ended } = startProcess("scripts/purge.ts", { DATABASE_URL: pooler.url });
    expect({ code: await ended(), output: output() }).toEqual({
      code: 0,
      output: "forgot 1 deleted partners\n",
    });
  });

  test("the migrations are applied", async () => {
    await using empty = await createPostgresDatabase("template1");
    await using before = await startPgBouncer(empty.settings.databaseUrl, mode);
    const { output, ended } = startProcess("scripts/migrate.ts", { DATABASE_URL: before.url });
    expect({ code: await ended(), output: output() }).toEqual({
      code: 0,
      output: expect.stringMatching(/^applied 0001-create-partner\n[\s\S]*done\n$/),
    });
  });
});
