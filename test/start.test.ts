import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../src/config/config.ts";
import { startService } from "../src/service.ts";
import { createPgliteDatabase, createPostgresDatabase } from "./support/databases.ts";
import { linesTo } from "./support/lines-to.ts";
import { onServer } from "./support/postgres.ts";
import { startProcess } from "./support/process.ts";
import { createTcpProxy } from "./support/tcp-proxy.ts";

/** A start that fails for a reason outside the code ends in one line, with 1. */
let dataDirectory: string;

beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), "partner-test-"));
});
afterEach(async () => {
  await rm(dataDirectory, { recursive: true, force: true });
});

const tls = {
  TLS_CERT_FILE: "test/support/tls/certificate.pem",
  TLS_KEY_FILE: "test/support/tls/key.pem",
};
const issuer = { JWT_ISSUER: "https://issuer.test", JWT_AUDIENCE: "test" };

/** How a start of the service fails, as the command takes it, and what it has logged until then. */
async function failedStart(settings: Record<string, string>) {
  const log: string[] = [];
  const failure = await startHere(settings, log).then(
    async (service) => {
      await service.stop();
      throw new Error("The service has started.");
    },
    (reason: unknown) => reason,
  );
  return { failure, log };
}

async function startHere(settings: Record<string, string>, log: string[]) {
  const config = readConfig({ PORT: "0", DATA_DIR: dataDirectory, ...settings });
  return await startService(config, {
    level: "info",
    stream: linesTo((line) => log.push(line)),
  });
}

/** What a process says that ends by itself, with these settings. */
async function failedProcess(
  settings: Record<string, string>,
  file = "src/main.ts",
  args: readonly string[] = [],
) {
  const start = startProcess(file, { PORT: "0", DATA_DIR: dataDirectory, ...settings }, args);
  onTestFinished(() => {
    start.child.kill("SIGKILL");
  });
  return { code: await start.ended(), output: start.output() };
}

/** Of such a failure `runCommand` prints the message, which is one line, and ends the process with 1. */
function expectStartError(failure: unknown, line: RegExp): void {
  expect(failure).toMatchObject({ name: "StartError", message: expect.stringMatching(line) });
  expect(failure).toMatchObject({ message: expect.not.stringContaining("\n") });
}

/** A folder for DATA_DIR, with a database for which no start has to wait. */
async function databaseFolder(): Promise<string> {
  const database = await createPgliteDatabase();
  onTestFinished(() => database.close());
  return dirname(database.settings.dataDirectory);
}

async function databaseUrl(change: (url: URL) => void): Promise<string> {
  const database = await createPostgresDatabase();
  onTestFinished(() => database.close());
  const url = new URL(database.settings.databaseUrl);
  change(url);
  return url.href;
}

async function takenPort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  // A server that listens on a port has an address of this type.
  return String((server.address() as AddressInfo).port);
}

test.each<[string, RegExp, () => Promise<Record<string, string>> | Record<string, string>]>([
  [
    "a port in use",
    /^PORT \(\d+\) is in use on 127\.0\.0\.1: /,
    async () => ({ PORT: await takenPort(), DATA_DIR: await databaseFolder() }),
  ],
  [
    "an address of another machine",
    /^HOST \(192\.0\.2\.1\) is not an address of this machine: /,
    async () => {
      await writeFile(join(dataDirectory, "key.json"), await publicKey());
      const settings = { HOST: "192.0.2.1", DATA_DIR: await databaseFolder() };
      return { ...issuer, ...settings, JWT_PUBLIC_KEY_FILE: join(dataDirectory, "key.json") };
    },
  ],
  [
    "a data directory that is a file",
    /^DATA_DIR \(package\.json\) cannot be used: /,
    () => ({ DATA_DIR: "package.json" }),
  ],
  [
    "a data directory below a file",
    /^DATA_DIR \(package\.json\/a\) cannot be used: /,
    () => ({ DATA_DIR: "package.json/a" }),
  ],
  [
    "a data directory where there are no folders",
    /^DATA_DIR \(\/proc\/a\/b\) cannot be used: /,
    () => ({ DATA_DIR: "/proc/a/b" }),
  ],
  [
    "a sandbox's key that is none",
    /sandbox-key\.json holds no key: delete it, /,
    async () => {
      await writeFile(join(dataDirectory, "sandbox-key.json"), "null");
      return {};
    },
  ],
  [
    "no file of the issuer's key",
    /^JWT_PUBLIC_KEY_FILE names a file that cannot be read \(ENOENT\)/,
    () => ({ ...issuer, JWT_PUBLIC_KEY_FILE: "nowhere.pem" }),
  ],
  [
    "a key of the issuer that is none",
    /^JWT_PUBLIC_KEY_FILE must hold one public key, as a PEM or a JWK, for JWT_ALGORITHMS: it is not a key/,
    () => ({ ...issuer, JWT_PUBLIC_KEY_FILE: "README.md" }),
  ],
  [
    "algorithms that the issuer's key cannot do",
    /^JWT_PUBLIC_KEY_FILE .*JWT_ALGORITHMS.*it can do ES256, and others alone are allowed/,
    async () => {
      await writeFile(join(dataDirectory, "key.json"), await publicKey());
      return {
        ...issuer,
        JWT_ALGORITHMS: "RS256",
        JWT_PUBLIC_KEY_FILE: join(dataDirectory, "key.json"),
      };
    },
  ],
  [
    "a certificate that is none",
    /^TLS_CERT_FILE must hold a certificate/,
    () => ({ ...tls, TLS_CERT_FILE: "README.md" }),
  ],
  [
    "a TLS key that is none",
    /^TLS_KEY_FILE must hold a private key/,
    () => ({ ...tls, TLS_KEY_FILE: "README.md" }),
  ],
  [
    "a TLS key of another certificate",
    /^TLS_KEY_FILE is not the key of the certificate/,
    () => ({ ...tls, TLS_KEY_FILE: "test/support/tls/renewed-key.pem" }),
  ],
  [
    "a TLS file that is not there",
    /^TLS_CERT_FILE names a file that cannot be read \(ENOENT\)/,
    () => ({ ...tls, TLS_CERT_FILE: "nowhere.pem" }),
  ],
])("A start with %s ends in one line", async (_name, line, makeSettings) => {
  const { failure, log } = await failedStart(await makeSettings());
  expectStartError(failure, line);
  expect(log).toEqual([]);
});

test("The process of a start that fails, whatever it has begun, prints that line and ends with 1", async () => {
  const settings = { PORT: await takenPort(), DATA_DIR: await databaseFolder() };
  const { code, output } = await failedProcess(settings);
  expect(output).toMatch(/^PORT \(\d+\) is in use on 127\.0\.0\.1: [^\n]*\n$/);
  expect(code).toBe(1);
});

async function publicKey(): Promise<string> {
  const { publicKey: key } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const { kty = "", crv = "", x = "", y = "" } = await crypto.subtle.exportKey("jwk", key);
  return JSON.stringify({ kty, crv, x, y });
}

test("With LOG_LEVEL=debug it also tells where that came from", async () => {
  const { code, output } = await failedProcess({ DATA_DIR: "package.json", LOG_LEVEL: "debug" });
  expect(output).toMatch(/^DATA_DIR \(package\.json\) cannot be used: .*\n[\s\S]*\n {4}at /);
  expect(code).toBe(1);
});

test("A start with an argument that it does not know ends in one line", async () => {
  const { code, output } = await failedProcess({}, "src/main.ts", ["--prot=80"]);
  expect({ code, output }).toEqual({
    code: 1,
    output: "The start takes no arguments but --help: settings are in the environment.\n",
  });
});

test("npm run token ends in one line, too", async () => {
  const { code, output } = await failedProcess({ DATA_DIR: "package.json" }, "scripts/token.ts", [
    "--organization",
    crypto.randomUUID(),
  ]);
  expect(output).toMatch(/^DATA_DIR \(package\.json\) cannot be used: [^\n]*\n$/);
  expect(code).toBe(1);
});

describe("A start whose database", () => {
  test.each<[string, RegExp, (url: URL) => void]>([
    [
      "does not know the role",
      /^The server does not accept the role or the password of DATABASE_URL: /,
      (url) => {
        url.username = "nobody";
      },
    ],
    [
      "does not exist",
      /^The server has no such database as DATABASE_URL names: create it\. /,
      (url) => {
        url.pathname = "/nowhere";
      },
    ],
    [
      "offers no TLS",
      /^The server of DATABASE_URL and its sslmode do not agree on TLS: /,
      (url) => {
        url.searchParams.set("sslmode", "verify-full");
      },
    ],
    [
      "offers no TLS, which another sslmode needs",
      /^The server of DATABASE_URL and its sslmode do not agree on TLS: /,
      (url) => {
        url.searchParams.set("sslmode", "require");
      },
    ],
  ])("%s ends in one line at once", async (_name, line, change) => {
    const settings = { DATABASE_URL: await databaseUrl(change), DATABASE_WAIT_MS: "600000" };
    const { failure } = await failedStart(settings);
    expectStartError(failure, line);
  });

  test("is not there yet waits for it, says so, and ends in one line in the end", async () => {
    const { failure, log } = await failedStart(absent);
    expectStartError(failure, afterWaiting);
    expect(log).toEqual([expect.stringMatching(whileWaiting)]);
  });

  test("refuses its role a right ends in one line", async () => {
    const url = await urlOfRole(undefined, "grant select on mikro_orm_migrations to");
    const { failure } = await failedStart({ DATABASE_URL: url });
    expectStartError(failure, withoutRight);
  });

  test("lacks the migrations names the command that applies them", async () => {
    const { settings, close } = await createPostgresDatabase("template1");
    onTestFinished(close);
    const { failure } = await failedStart({ DATABASE_URL: settings.databaseUrl });
    expectStartError(failure, /npm run migrate/);
  });

  test("comes while it waits uses it", async () => {
    const database = await createPostgresDatabase();
    const proxy = await createTcpProxy(database.settings.databaseUrl);
    onTestFinished(async () => {
      await proxy.close();
      await database.close();
    });
    await proxy.stop();
    const log: string[] = [];
    const starting = startHere({ DATABASE_URL: proxy.url }, log);
    await expect
      .poll(() => log)
      .toContainEqual(expect.stringContaining("waiting for the database"));
    await proxy.start();
    const service = await starting;
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
    expect(await service.stop()).toBe(true);
  });
});

/** A database that nobody serves. */
const absent = { DATABASE_URL: "postgres://127.0.0.1:1/partners", DATABASE_WAIT_MS: "300" };
const whileWaiting =
  /waiting for the database.*ECONNREFUSED|ECONNREFUSED.*waiting for the database/;
const afterWaiting =
  /^The database of DATABASE_URL does not answer, after 300 ms \(DATABASE_WAIT_MS\): connect ECONNREFUSED/;
const withoutRight =
  /^The role of DATABASE_URL lacks a right in the database: 42501: permission denied /;

/** The URL of a new database for a new role, which is granted, or refused, a right. */
async function urlOfRole(template: string | undefined, right: string): Promise<string> {
  const database = await createPostgresDatabase(template);
  const { databaseUrl: ownerUrl } = database.settings;
  const role = `role_${crypto.randomUUID().replaceAll("-", "")}`;
  await onServer(ownerUrl, `create role ${role} login password 'secret'; ${right} ${role}`);
  onTestFinished(async () => {
    await onServer(ownerUrl, `drop owned by ${role}; drop role ${role}`);
    await database.close();
  });
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = "secret";
  return url.href;
}

// It opens the database as a start does, in whose tests the other cases are.
describe("npm run migrate, where the database", () => {
  const migrate = (settings: Record<string, string>) =>
    failedProcess(settings, "scripts/migrate.ts");

  test("does not exist, ends in one line at once", async () => {
    const url = await databaseUrl((changed) => {
      changed.pathname = "/nowhere";
    });
    expect(await migrate({ DATABASE_URL: url, DATABASE_WAIT_MS: "600000" })).toEqual({
      code: 1,
      output: expect.stringMatching(/^The server has no such database as [^\n]*\n$/m),
    });
  });

  test("is not there yet, waits for it, says so, and ends in one line in the end", async () => {
    const { code, output } = await migrate(absent);
    const [first, last, ...rest] = output.trimEnd().split("\n");
    expect({ code, first, last, rest }).toEqual({
      ...{ code: 1, rest: [] },
      first: expect.stringMatching(whileWaiting),
      last: expect.stringMatching(afterWaiting),
    });
  });

  test("refuses its role a right, ends in one line", async () => {
    const url = await urlOfRole("template1", "revoke create on schema public from");
    const { code, output } = await migrate({ DATABASE_URL: url });
    expect(output.trimEnd()).toMatch(withoutRight);
    expect({ code, lines: output.trimEnd().split("\n").length }).toEqual({ code: 1, lines: 1 });
  });
});

test("An older Node is told which one is needed", async () => {
  const olderNode =
    "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.20.2'}})";
  const { code, output } = await failedProcess({
    NODE_OPTIONS: `--import ${olderNode} --import ./src/preload.js`,
  });
  expect({ code, output }).toEqual({
    code: 1,
    output:
      "Node 26 or newer is needed, and this is 20.20.2: install that, " +
      "or run `npm ci` without --omit=dev, which brings it.\n",
  });
});
