import { exec, execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { createClient } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { callHeaders } from "./support/call-cases.ts";
import { createPostgresDatabase } from "./support/databases.ts";
import { freePort } from "./support/free-port.ts";
import { lockPartners } from "./support/locks.ts";
import { type ServiceProcess, startCommand, startProcess } from "./support/process.ts";
import { protocols } from "./support/protocols.ts";

const run = promisify(execFile);
const runShell = promisify(exec);

let dataDirectory: string;
const started: ServiceProcess[] = [];

beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), "partner-test-"));
});
afterEach(async () => {
  for (const { child } of started.splice(0)) {
    child.kill("SIGKILL");
  }
  await rm(dataDirectory, { recursive: true, force: true });
});

function start(settings: Record<string, string> = {}): ServiceProcess {
  const service = startProcess("src/main.ts", {
    PORT: "0",
    DATA_DIR: dataDirectory,
    ...settings,
  });
  started.push(service);
  return service;
}

async function printedCommand(service: ServiceProcess): Promise<string> {
  const [command] = await service.waitFor(/^curl [\s\S]*?'\{.*\}'$/m);
  return command;
}

async function createdBy(command: string) {
  const { stdout } = await runShell(command);
  return JSON.parse(stdout).partner;
}

describe("the sandbox", () => {
  test("makes its folder, and prints a curl command that works as pasted; its data and its key outlive a restart", async () => {
    const settings = { DATA_DIR: join(dataDirectory, "some", "where") };
    const first = start(settings);
    const command = (await printedCommand(first)).replace(
      /-d '\{/,
      `-d '{"requestId":"${crypto.randomUUID()}",`,
    );
    const created = await createdBy(command);
    expect(created).toMatchObject({
      companyName: "Example Supplies Ltd",
      createdAt: expect.any(String),
      invitationStatus: "INVITATION_STATUS_INVITED",
    });
    first.child.kill("SIGTERM");
    expect(await first.ended()).toBe(0);

    const second = start(settings);
    const [url] = (await printedCommand(second)).match(/http:\/\/[^/]+/) ?? [];
    const again = command.replace(/http:\/\/[^/]+/, url ?? "");
    expect(await createdBy(again)).toEqual(created);
  });

  test("refuses to serve other machines", async () => {
    const service = start({ HOST: "0.0.0.0" });
    expect(await service.ended()).toBe(1);
    expect(service.output()).toContain("HOST is not a loopback address");
  });
});

test("npm run token prints the token alone, as it is wished for", async () => {
  const organization = crypto.randomUUID();
  const expired = await token("--organization", organization, "--expires-in", "-60");
  const claims = claimsOf(expired.stdout);
  expect({ stderr: expired.stderr, organization: claims.org_id, scope: claims.scope }).toEqual({
    stderr: "",
    organization,
    scope: "partners:read partners:write",
  });
  expect(claims.exp - claims.iat).toBe(-60);
  const odd = ["--scope", "invoices:read", "--any-scope"];
  expect(claimsOf((await token("--organization", organization, ...odd)).stdout).scope).toBe(
    "invoices:read",
  );
});

test("npm run token refuses a scope that the contract does not know", async () => {
  const wrong = token("--organization", crypto.randomUUID(), "--scope", "partner:read");
  await expect(wrong).rejects.toMatchObject({
    code: 2,
    stdout: "",
    stderr:
      "The contract does not know the scope partner:read: it has partners:read, partners:write. " +
      "With --any-scope the token has it all the same.\n",
  });
});

function token(...args: string[]) {
  return run(process.execPath, ["scripts/token.ts", ...args], {
    env: { ...process.env, DATA_DIR: dataDirectory },
  });
}

function claimsOf(printed: string) {
  const [, payload = ""] = printed.split(".");
  return JSON.parse(Buffer.from(payload, "base64url").toString());
}

test("npm run demo tells the life of a partner", async () => {
  const { stdout } = await run(process.execPath, ["scripts/demo.ts"]);
  const told = [...stdout.matchAll(/^ {3}(\w+) +→ (.*)$/gm)].map(
    ([, rpc, outcome = ""]) => `${rpc}: ${outcome.replaceAll(/[0-9a-f-]{36}/g, "UUID")}`,
  );
  const refused = "refused: PermissionDenied, SCENARIO_NOT_ALLOWED";
  expect(told).toEqual([
    "CreatePartner: Customer by Connect, JSON over HTTP/1.1, invited",
    "CreatePartner: Customer by Connect, Protobuf over HTTP/2, invited",
    "CreatePartner: Customer by gRPC over HTTP/2, invited",
    "CreatePartner: Customer by gRPC-Web over HTTP/1.1, invited",
    "CreatePartner: Globex, invited",
    expect.stringMatching(/^InvitePartner: a token, .*: [\w-]{8}…$/),
    "GetInvitation: from UUID, as its customer",
    "AcceptInvitation: Globex, accepted by UUID",
    "WatchPartnerChanges: by UUID: Globex, accepted by UUID",
    "ListPartners: 4 partners",
    "WatchPartnerChanges: 4 partners, the whole book",
    "CreatePartner: The newest customer, invited",
    "WatchPartnerChanges: The newest customer, invited",
    `DeletePartner: ${refused}`,
    `ListPartners: ${refused}`,
    `CreatePartner: ${refused}`,
    "ListConnections: guest of UUID, as its customer",
    "EndConnection: done",
    "WatchPartnerChanges: by UUID: Globex, invited",
    `ListPartners: ${refused}`,
    `WatchPartnerChanges: ${refused}`,
    "ListPartners: 5 partners, for Globex itself",
    "GetPartner: Globex, invited",
    "DeletePartner: done",
    "WatchPartnerChanges: by ann: deleted",
  ]);
});

test("the service goes on when the reader of its log goes", async () => {
  await using database = await createPostgresDatabase();
  const { child, waitFor, ended } = start({ DATABASE_URL: database.settings.databaseUrl });
  const [url = ""] = await waitFor(/http:\/\/[\d.:]+/);
  child.stdout.destroy();
  for (let call = 0; call < 3; call += 1) {
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  }
  child.kill("SIGTERM");
  expect(await ended()).toBe(0);
});

/** Where the service is that has printed the command, and what that carries. */
function readCommand(command: string) {
  const [, token = ""] = /Bearer ([^']+)/.exec(command) ?? [];
  const [, organization = ""] = /Target-Organization-ID: ([^']+)/.exec(command) ?? [];
  const [url = ""] = /http:\/\/[^/]+/.exec(command) ?? [];
  const headers = callHeaders(token, {
    "Requester-Organization-ID": organization,
    "Target-Organization-ID": organization,
  });
  return { url, headers };
}

/** Starts the service as its users do: npm runs a shell, and that becomes the service. */
function npmStart(settings: Record<string, string>): ServiceProcess {
  const service = startCommand("npm", ["start"], {
    PORT: "0",
    DATA_DIR: dataDirectory,
    HOME: dataDirectory,
    ...settings,
  });
  started.push(service);
  return service;
}

test.each<[readonly NodeJS.Signals[]]>([
  [["SIGTERM"]],
  // npm hands on the Ctrl-C that the terminal sends to both.
  [["SIGINT", "SIGINT"]],
])(
  "npm start answers, at %j, the calls that are in flight over every protocol",
  async (signals) => {
    await using database = await createPostgresDatabase();
    // One requester has less than half of the connections for its lists.
    const settings = { DATABASE_URL: database.settings.databaseUrl, DATABASE_POOL_SIZE: "20" };
    const service = npmStart(settings);
    const command = await printedCommand(service);
    const { url, headers } = readCommand(command);
    const created = await createdBy(command);

    // The lock keeps the calls in flight until the shutdown is under way.
    const lock = await lockPartners(database.settings);
    const calls = Object.values(protocols).map(async (createTransport) => {
      const client = createClient(PartnerService, createTransport(url));
      // Not GetPartner, which shares one statement among the calls that come at once.
      const { partners } = await client.listPartners({}, { headers });
      return partners.map(({ id }) => id);
    });
    await lock.awaited(calls.length);
    for (const signal of signals) {
      service.child.kill(signal);
    }
    const [, pid] = await service.waitFor(/"pid":(\d+).*"stopping"/);
    await lock.release();

    expect(await Promise.all(calls)).toEqual(calls.map(() => [created.id]));
    expect(await service.ended()).toBe(0);
    expect(() => process.kill(Number(pid), 0)).toThrow("ESRCH");
  },
);

test("For SHUTDOWN_DELAY_MS after SIGTERM the service is not ready, and takes calls on new connections", async () => {
  await using database = await createPostgresDatabase();
  const settings = { DATABASE_URL: database.settings.databaseUrl, SHUTDOWN_DELAY_MS: "3000" };
  const service = start(settings);
  const command = await printedCommand(service);
  const { url } = readCommand(command);
  const readyz = async () =>
    (await fetch(`${url}/readyz`, { headers: { Connection: "close" } })).status;
  expect(await readyz()).toBe(200);
  service.child.kill("SIGTERM");
  await service.waitFor(/"stopping"/);
  expect(await readyz()).toBe(503);
  expect(await createdBy(command)).toMatchObject({ companyName: "Example Supplies Ltd" });
  expect(await service.ended()).toBe(0);
  expect(service.output()).toContain('"msg":"stopped"');
});

test("SIGHUP has the TLS files read again, and what cannot be used leaves all as it is", async () => {
  const [certificate, key] = [join(dataDirectory, "cert.pem"), join(dataDirectory, "key.pem")];
  const install = async (name: string) => {
    await copyFile(`test/support/tls/${name}certificate.pem`, certificate);
    await copyFile(`test/support/tls/${name}key.pem`, key);
  };
  await install("");
  await using database = await createPostgresDatabase();
  const files = { TLS_CERT_FILE: certificate, TLS_KEY_FILE: key };
  const service = start({ DATABASE_URL: database.settings.databaseUrl, ...files });
  const [, port = ""] = await service.waitFor(/ready at https:\/\/127\.0\.0\.1:(\d+)/);
  const fingerprint = async () => {
    // Whether it may be trusted is not asked here.
    const socket = connect({ port: Number(port), host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const expected = async (name: string) =>
    new X509Certificate(await readFile(`test/support/tls/${name}certificate.pem`)).fingerprint256;

  expect(await fingerprint()).toBe(await expected(""));
  await install("renewed-");
  service.child.kill("SIGHUP");
  await service.waitFor(/"TLS files taken up"/);
  expect(await fingerprint()).toBe(await expected("renewed-"));

  await writeFile(key, "no key");
  service.child.kill("SIGHUP");
  await service.waitFor(/TLS_KEY_FILE must hold a private key/);
  expect(await fingerprint()).toBe(await expected("renewed-"));
  service.child.kill("SIGTERM");
  expect(await service.ended()).toBe(0);
});

test("SIGTERM ends a start that waits for its database", async () => {
  const service = start({ DATABASE_URL: "postgres://127.0.0.1:1/partners" });
  await service.waitFor(/waiting for the database/);
  service.child.kill("SIGTERM");
  expect(await service.ended()).toBe(0);
});

test.skipIf(!existsSync("/dev/full"))("A full disk under its output ends no service", async () => {
  const port = String(await freePort());
  const shell = ["-c", 'exec "$0" src/main.ts > /dev/full', process.execPath];
  await using database = await createPostgresDatabase();
  const service = startCommand("sh", shell, {
    ...{ PORT: port, DATA_DIR: dataDirectory, DATABASE_URL: database.settings.databaseUrl },
  });
  started.push(service);
  const isAlive = () =>
    fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(isAlive, { timeout: 60_000 }).toBe(true);
  for (let call = 0; call < 50; call += 1) {
    expect(await isAlive()).toBe(true);
  }
  service.child.kill("SIGTERM");
  expect({ code: await service.ended(), output: service.output() }).toEqual({
    code: 0,
    output: "",
  });
});
