import { execFile, execFileSync, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterEach, expect, test } from "vitest";
import { compareWithTable } from "../faults/comparison.ts";
import { type FaultyService, startFaultyService } from "../faults/faulty-service.ts";
import { type Load, pick, startLoad } from "../faults/load.ts";
import { createPostgresDatabase } from "../support/databases.ts";
import { freePort } from "../support/free-port.ts";
import { databaseUrlOn, onServer } from "../support/postgres.ts";
import { startProcess } from "../support/process.ts";

const run = promisify(execFile);
const operations = readFileSync("docs/operations.md", "utf8");
/** Calls that are answered before, between and after the steps, over all protocols. */
const someCalls = 100;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) {
    await close();
  }
});

async function startService(
  databaseUrl: string,
  issuer?: FaultyService["issuer"],
  main?: string,
): Promise<FaultyService> {
  const service = await startFaultyService(databaseUrl, issuer, main);
  closing.push(service.close);
  return service;
}

async function makeScratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "partner-operations-"));
  closing.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function migrate(databaseUrl: string, root = "."): Promise<string> {
  const migration = startProcess(join(root, "scripts/migrate.ts"), { DATABASE_URL: databaseUrl });
  expect({ code: await migration.ended(), output: migration.output() }).toMatchObject({ code: 0 });
  return migration.output();
}

async function query<Row extends pg.QueryResultRow>(
  connectionString: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Expects that no call has failed, and each is in the table as it was answered. */
async function expectNoFailure(databaseUrl: string, organization: string, load: Load) {
  await load.finish();
  expect(load.refusals).toEqual([]);
  const database = {
    query: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
      query<Row>(databaseUrl, text, values),
  };
  const acknowledged = load.acknowledged.length;
  expect(await compareWithTable(database, organization, load.acknowledged)).toEqual({
    ...{ acknowledged, found: acknowledged, lost: 0, duplicated: 0, altered: 0 },
  });
}

/** The block of the documents in the language that has the text. */
function snippet(language: string, part: string): string {
  const blocks = [...operations.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, own, code]) => own === language && code?.includes(part))
    .map(([, , code]) => code ?? "");
  expect(blocks).toHaveLength(1);
  return blocks[0] ?? "";
}

const git = (...args: readonly string[]) =>
  spawnSync("git", args, { encoding: "utf8" }).stdout.trim();

/** The last commit whose schema is another one. */
function lastSchema(): string {
  const change = git(
    "log",
    "-1",
    "--format=%H",
    "--",
    "src/database/migrations.ts",
    "src/database/migrations/",
  );
  return change === "" ? "" : git("rev-parse", "--verify", "--quiet", `${change}~1^{commit}`);
}

const before = lastSchema();
const noHistory = before === "" ? " – SKIPPED, the history of this clone does not reach back" : "";

test.skipIf(before === "")(
  `the service of before the last migration goes on while it is applied, and hands over to this one and takes back without a failed call${noHistory}`,
  {
    timeout: 300_000,
  },
  async () => {
    const last = await makeScratch();
    const archive = execFileSync("git", ["archive", "--format=tar", before], {
      maxBuffer: 2 ** 28,
    });
    execFileSync("tar", ["-x", "-C", last], { input: archive });
    await run("npm", ["ci", "--omit=dev", "--ignore-scripts"], { cwd: last });

    await using database = await createPostgresDatabase("template1");
    const { databaseUrl } = database.settings;
    await migrate(databaseUrl, last);
    const old = await startService(databaseUrl, undefined, join(last, "src/main.ts"));
    const organization = randomUUID();
    const headers = await old.headers(organization);
    let inService = [old];
    const load = startLoad(() => inService.flatMap((service) => service.clients()), headers);
    await load.answers(someCalls);

    expect(await migrate(databaseUrl)).toContain("applied ");
    await load.answers(someCalls);
    const current = await startService(databaseUrl, old.issuer);
    inService = [old, current];
    await load.answers(2 * someCalls);

    // Each writes to what the other has written.
    const [created] = load.acknowledged;
    let partner = created?.partner;
    for (const [index, service] of [current, old, current].entries()) {
      const client = pick(service.clients(), index);
      const changed = { id: partner?.id ?? "", etag: partner?.etag ?? "", city: `City ${index}` };
      const request = { partner: changed, updateMask: { paths: ["city"] } };
      ({ partner } = await client.updatePartner(request, { headers }));
      expect(partner?.city).toBe(`City ${index}`);
    }
    await pick(current.clients(), 0).deletePartner({ id: partner?.id ?? "" }, { headers });

    inService = [current];
    await load.answers(someCalls);
    expect(await old.terminate()).toBe(0);
    await load.answers(someCalls);

    // Rolled back: the last version starts on the new schema.
    await old.start();
    inService = [old];
    await load.answers(someCalls);
    await load.finish();
    expect(load.refusals).toEqual([]);
    const own = { databaseUrl, organization };
    await expectAllFound(own, load, partner?.id);
  },
);

/** The partner that was changed and deleted has a test of its own above. */
async function expectAllFound(
  { databaseUrl, organization }: { databaseUrl: string; organization: string },
  load: Load,
  deleted: string | undefined,
) {
  const others = load.acknowledged.filter(({ partner }) => partner.id !== deleted);
  const database = {
    query: async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
      (await query<Row>(databaseUrl, text, values)).filter(({ id }) => id !== deleted),
  };
  expect(await compareWithTable(database, organization, others)).toEqual({
    ...{ acknowledged: others.length, found: others.length, lost: 0, duplicated: 0, altered: 0 },
  });
}

test("the database's password is rotated by a second role, as docs/operations.md says, without a failed call", async () => {
  await using database = await createPostgresDatabase();
  const { databaseUrl } = database.settings;
  const roles = [`service_${randomUUID().slice(0, 8)}`, `service_${randomUUID().slice(0, 8)}`];
  const urlOf = (role: string) => {
    const url = new URL(databaseUrl);
    return Object.assign(url, { username: role, password: `of-${role}` }).href;
  };
  const [oldRole = "", newRole = ""] = roles;
  const create = (role: string) =>
    onServer(
      databaseUrl,
      snippet("sql", "create role partner_service login")
        .replaceAll("partner_service", role)
        .replace("'secret'", `'of-${role}'`),
    );
  await create(oldRole);
  closing.push(async () => {
    for (const role of roles) {
      await onServer(databaseUrl.replace(/\/[^/]*$/, "/postgres"), `drop role if exists ${role}`);
    }
  });
  const old = await startService(urlOf(oldRole));
  const organization = randomUUID();
  let inService = old;
  const load = startLoad(() => inService.clients(), await old.headers(organization));
  await load.answers(someCalls);

  await create(newRole);
  inService = await startService(urlOf(newRole), old.issuer);
  await load.answers(someCalls);
  expect(await old.terminate()).toBe(0);
  await onServer(
    databaseUrl,
    snippet("sql", "drop role partner_service_old").replaceAll("partner_service_old", oldRole),
  );
  await load.answers(someCalls);
  await expectNoFailure(databaseUrl, organization, load);
  await onServer(databaseUrl, `drop owned by ${newRole}`);
});

const [binaries = ""] = globSync("/usr/lib/postgresql/*/bin").sort().reverse();
const tools = ["initdb", "pg_ctl", "pg_dump", "pg_restore", "createdb"];
const noTools = tools.every((tool) => globSync(join(binaries, tool)).length === 1)
  ? ""
  : " – SKIPPED, Debian's postgresql is not installed, whose pg_dump fits its server";

test.skipIf(noTools !== "")(
  `a backup by pg_dump that is taken under load has all that was acknowledged before, and a service on it goes on${noTools}`,
  {
    timeout: 300_000,
  },
  async () => {
    const serverUrl = await startDebianPostgres();
    await onServer(serverUrl, "create database partners");
    const databaseUrl = databaseUrlOn(serverUrl, "partners");
    const restoredUrl = databaseUrlOn(serverUrl, "partners_restored");
    await migrate(databaseUrl);
    const service = await startService(databaseUrl);
    const organization = randomUUID();
    const headers = await service.headers(organization);
    const load = startLoad(service.clients, headers);
    await load.answers(someCalls);

    const acknowledged = [...load.acknowledged];
    await run("bash", ["-euo", "pipefail", "-c", snippet("sh", "pg_dump")], {
      cwd: await makeScratch(),
      env: {
        PATH: `${binaries}:${process.env.PATH}`,
        DATABASE_URL: databaseUrl,
        RESTORED_DATABASE_URL: restoredUrl,
      },
    });
    await load.finish();
    expect(load.refusals).toEqual([]);

    expect(await migrate(restoredUrl)).toBe("nothing to apply\n");
    const restored = await startService(restoredUrl, service.issuer);
    expect(await restored.readiness()).toBe(200);
    for (const [index, { partner }] of acknowledged.entries()) {
      const client = pick(restored.clients(), index);
      const found = await client.getPartner({ id: partner.id }, { headers });
      expect(found.partner).toEqual(partner);
    }
    const more = startLoad(restored.clients, headers);
    await more.answers(someCalls);
    await more.finish();
    expect(more.refusals).toEqual([]);
  },
);

/** Starts the server that Debian's pg_dump is of, and returns the URL of its superuser. */
async function startDebianPostgres(): Promise<string> {
  const directory = join(await makeScratch(), "data");
  await mkdir(directory);
  const port = await freePort();
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? idsOf("postgres") : undefined;
  if (user !== undefined) {
    await chmod(join(directory, ".."), 0o755);
    await chown(directory, user.uid, user.gid);
  }
  const options = { ...user, cwd: directory, stdio: "ignore" } as const;
  const command = (name: string, ...args: readonly string[]) =>
    execFileSync(join(binaries, name), args, options);
  command(
    "initdb",
    `--pgdata=${directory}`,
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
  );
  const settings = `-c listen_addresses=127.0.0.1 -c port=${port} -c unix_socket_directories= -c fsync=off`;
  command(
    "pg_ctl",
    "start",
    "--wait",
    `--pgdata=${directory}`,
    `--options=${settings}`,
    "--log=/dev/null",
  );
  closing.push(async () => command("pg_ctl", "stop", "--mode=immediate", `--pgdata=${directory}`));
  return `postgres://postgres@127.0.0.1:${port}/postgres`;
}

function idsOf(user: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, user], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
