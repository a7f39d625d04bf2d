import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import http from "node:http";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { callHeaders } from "../support/call-cases.ts";
import { createPostgresDatabase } from "../support/databases.ts";
import { freePort } from "../support/free-port.ts";
import { lockPartners } from "../support/locks.ts";
import { protocols } from "../support/protocols.ts";
import { partnerRequest } from "../support/requests.ts";
import { createTokenIssuer, type TokenIssuer, tokenRules } from "../support/tokens.ts";
import { buildImage, enterImage, type Image, missingForImages, outcomeOf } from "./image.ts";

/** An entry of package-lock.json: `dev` marks what only devDependencies need. */
interface LockedPackage {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly resolved?: string;
}

type Settings = Readonly<Record<string, string>>;

const missing = missingForImages();
const reason = missing === "" ? "" : ` – SKIPPED, ${missing}`;

/** As a pod, or a container whose port is published, is reached from elsewhere. */
const address =
  Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === "IPv4" && !each.internal)?.address ?? "127.0.0.1";
const port = await freePort();
const url = `http://${address}:${port}`;

const [configMap, deployment] = parseAllDocuments(
  readFileSync("deploy/kubernetes.yaml", "utf8"),
).map((document) => document.toJS());
const job = parse(readFileSync("deploy/kubernetes-migrations.yaml", "utf8"));
const compose = parse(readFileSync("deploy/compose.yaml", "utf8"), { merge: true });
const pod = deployment.spec.template.spec;
const [container] = pod.containers;

describe.skipIf(missing !== "")("the image", () => {
  let directory: string;
  let image: Image;
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>;
  let issuer: TokenIssuer;
  let keys: http.Server;
  /** What only the place of a deployment can know. */
  let ownSettings: Settings;
  const started: {
    readonly child: ReturnType<typeof enterImage>;
    readonly ended: ReturnType<typeof outcomeOf>;
  }[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "partner-image-"));
    image = await buildImage("deploy/Dockerfile", ".", directory);
    database = await createPostgresDatabase("template1");
    issuer = await createTokenIssuer();
    keys = http.createServer((_request, response) => {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ keys: [issuer.publicKey] }));
    });
    keys.listen(0, "127.0.0.1");
    await once(keys, "listening");
    const keysAddress = keys.address();
    ownSettings = {
      DATABASE_URL: database.settings.databaseUrl,
      JWT_JWKS_URL: `http://127.0.0.1:${typeof keysAddress === "object" ? keysAddress?.port : 0}/`,
      JWT_ISSUER: tokenRules.issuer,
      JWT_AUDIENCE: tokenRules.audience,
      PORT: String(port),
    };
  });
  afterEach(async () => {
    for (const { child, ended } of started.splice(0)) {
      if (child.exitCode === null) {
        process.kill(processOf(child), "SIGKILL");
      }
      await ended;
    }
  });
  afterAll(async () => {
    keys?.close();
    await database?.close();
    await rm(directory, { recursive: true, force: true });
  });

  function start(command: readonly string[], environment: Settings, from = image) {
    const child = enterImage({ image: from, mode: "run", environment }, command);
    const running = { child, ended: outcomeOf(child) };
    started.push(running);
    return running;
  }

  /** Waits as a startup probe does: asks until it is answered, as often as it may fail. */
  async function waitUntilAnswered(path: string, failures = 30): Promise<void> {
    for (let failed = 0; ; failed += 1) {
      const status = await probe({ path });
      if (status === 200) {
        return;
      }
      if (failed === failures) {
        throw new Error(`${path} answers ${status}.`);
      }
      await delay(500);
    }
  }

  async function headersOf(organization: string): Promise<Headers> {
    return callHeaders(await issuer.token({ org_id: organization }), {
      "Requester-Organization-ID": organization,
      "Target-Organization-ID": organization,
    });
  }

  test(`has the packages that run and no others, and no file that its user could change${reason}`, () => {
    const names = globSync("*", { cwd: join(image.root, "app") }).sort();
    expect(names).toEqual([
      ...["deploy", "gen", "node_modules", "package-lock.json", "package.json", "packages"],
      ...["scripts", "src"],
    ]);
    const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
    const installed = (path: string) => existsSync(join(image.root, "app", path));
    const wrong = Object.entries<LockedPackage>(packages)
      .filter(([, { optional }]) => optional !== true)
      // An example's folder is not copied; the link to it is what `resolved` names.
      .filter(([path, { dev, devOptional, resolved = path }]) => {
        const leftOut = dev ?? devOptional ?? resolved.startsWith("examples/");
        return installed(path) === leftOut;
      })
      .map(([path]) => path);
    expect(wrong).toEqual([]);
    const others = spawnSync("find", [
      join(image.root, "app"),
      "!",
      "-user",
      "0",
      "-o",
      "-perm",
      "/022",
      "!",
      "-type",
      "l",
    ]);
    expect(others.stdout.toString()).toBe("");
    expect(image.user).toBe("1000:1000");
    expect(image.labels).toEqual({
      "org.opencontainers.image.title": "partner-service",
      "org.opencontainers.image.description": expect.any(String),
      "org.opencontainers.image.version": JSON.parse(readFileSync("package.json", "utf8")).version,
      "org.opencontainers.image.revision": "unknown",
    });
  });

  test("migrates as the Job does, and again without a change", async () => {
    const [{ command }] = job.spec.template.spec.containers;
    const settings = { ...configMap.data, ...ownSettings };
    expect(await start(command, settings).ended).toEqual({
      code: 0,
      output: expect.stringMatching(/^applied 0001-create-partner\n[\s\S]*done\n$/),
    });
    expect(await start(command, settings).ended).toEqual({ code: 0, output: "nothing to apply\n" });
  });

  test("serves as the Deployment has it: process 1, no rights, nothing to write to, the probes by the pod's address, and SIGTERM with a call in flight", async () => {
    const settings = { ...configMap.data, ...ownSettings, ...readEnvironment(container.env) };
    const { child, ended } = start(image.command, settings);
    const { startupProbe, livenessProbe, readinessProbe } = container;
    await waitUntilAnswered(startupProbe.httpGet.path, startupProbe.failureThreshold);
    expect(await probe(livenessProbe.httpGet)).toBe(200);
    expect(await probe(readinessProbe.httpGet)).toBe(200);

    const pid = processOf(child);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1];
    const { runAsUser, runAsGroup } = pod.securityContext;
    expect({
      user: field("Uid")?.split("\t")[0],
      group: field("Gid")?.split("\t")[0],
      capabilities: [field("CapEff"), field("CapPrm"), field("CapBnd")].map(Number),
      noNewPrivileges: field("NoNewPrivs"),
      processes: field("NSpid")?.split("\t")[1],
      root: mountOptions(pid, "/"),
    }).toEqual({
      ...{ user: String(runAsUser), group: String(runAsGroup), capabilities: [0, 0, 0] },
      ...{ noNewPrivileges: "1", processes: "1", root: "ro" },
    });
    expect(image.user).toBe(`${runAsUser}:${runAsGroup}`);
    expect(
      container.ports.map(({ containerPort }: { containerPort: number }) => `${containerPort}`),
    ).toEqual(image.ports);

    const organization = randomUUID();
    const headers = await headersOf(organization);
    const clients = Object.values(protocols).map((transport) =>
      createClient(PartnerService, transport(url)),
    );
    for (const client of clients) {
      const { partner } = await client.createPartner(partnerRequest(), { headers });
      expect(partner?.organizationId).toBe(organization);
    }

    const lock = await lockPartners({ databaseUrl: database.settings.databaseUrl });
    const inFlight = Promise.all(
      clients.map((client) => client.createPartner(partnerRequest(), { headers })),
    );
    await lock.awaited();
    process.kill(pid, "SIGTERM");
    await delay(100);
    await lock.release();
    expect(await inFlight).toHaveLength(clients.length);
    expect((await ended).code).toBe(0);
  });

  test("runs its health check as an engine does: 0 while the process answers, 1 once it does not", async () => {
    const { child, ended } = start(image.command, ownSettings);
    await waitUntilAnswered("/readyz");
    const pid = processOf(child);
    const check = () => {
      const [user = "", group = ""] = image.user.split(":");
      const { status } = spawnSync("nsenter", [
        ...["--target", String(pid), "--mount", "--pid", "--root"],
        ...["setpriv", `--reuid=${user}`, `--regid=${group}`, "--clear-groups"],
        ...["env", `--chdir=${image.workdir}`, `PORT=${port}`],
        ...["/usr/local/bin/node", ...image.healthCheck.slice(1)],
      ]);
      return status;
    };
    expect(check()).toBe(0);
    process.kill(pid, "SIGSTOP");
    expect(check()).toBe(1);
    process.kill(pid, "SIGCONT");
    process.kill(pid, "SIGTERM");
    expect((await ended).code).toBe(0);
    expect(image.healthCheck[0]).toBe("node");
  });

  test("serves as compose.yaml has it, and is not ready while SHUTDOWN_DELAY_MS lets it go on", async () => {
    const { environment } = compose.services.service;
    expect(compose.services.migrations.environment).not.toHaveProperty("SHUTDOWN_DELAY_MS");
    const { child, ended } = start(image.command, { ...environment, ...ownSettings });
    await waitUntilAnswered("/readyz");
    process.kill(processOf(child), "SIGTERM");
    while ((await probe({ path: "/readyz" })) === 200) {
      await delay(10);
    }
    expect(await probe({ path: "/healthz" })).toBe(200);
    expect(await probe({ path: "/readyz" })).toBe(503);
    expect((await ended).code).toBe(0);
  });

  test("tells a balancer that speaks HTTP/1.0 and names no host that it is ready", async () => {
    const { child, ended } = start(image.command, ownSettings);
    await waitUntilAnswered("/readyz");
    const socket = connect(port, address);
    socket.write("GET /readyz HTTP/1.0\r\n\r\n");
    expect(await text(socket)).toMatch(/^HTTP\/1\.[01] 200 /);
    process.kill(processOf(child), "SIGTERM");
    expect((await ended).code).toBe(0);
  });

  test("the systemd units' commands migrate and serve from their folder, as another user", async () => {
    const root = join(directory, "systemd");
    spawnSync("cp", ["--archive", image.root, root]);
    await mkdir(join(root, "opt"));
    const unit = readUnit("deploy/partner-service.service");
    const migrations = readUnit("deploy/partner-service-migrations.service");
    const workdir = unit.get("WorkingDirectory") ?? "";
    await rename(join(root, "app"), join(root, workdir));
    const host = { ...image, root, workdir, user: "65534:65534", environment: {} };
    const environment = readEnvironmentFile("deploy/environment.example");
    const command = (of: ReadonlyMap<string, string>) => of.get("ExecStart")?.split(" ") ?? [];
    const migrated = start(command(migrations), { ...environment, ...ownSettings }, host);
    expect(await migrated.ended).toEqual({ code: 0, output: "nothing to apply\n" });
    const { child, ended } = start(command(unit), { ...environment, ...ownSettings }, host);
    await waitUntilAnswered("/readyz");
    expect(mountOptions(processOf(child), "/")).toBe("ro");
    process.kill(processOf(child), "SIGTERM");
    expect((await ended).code).toBe(0);
  });
});

/** Asks as the kubelet does. */
async function probe({ path }: { path: string }): Promise<number | string> {
  const headers = {
    Host: `${address}:${port}`,
    "User-Agent": "kube-probe/1.34",
    Accept: "*/*",
    Connection: "close",
  };
  return await new Promise((resolve) => {
    http
      .get({ host: address, port, path, headers, timeout: 4000 }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
      .on("error", (failure) => resolve(failure.message));
  });
}

/** The one process that `unshare` has started, by its number outside. */
function processOf({ pid }: ReturnType<typeof enterImage>): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}

/** How something is mounted in the place of a process: `ro` or `rw`. */
function mountOptions(pid: number, target: string): string | undefined {
  const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n");
  const [, , , , , options = ""] =
    mounts.map((line) => line.split(" ")).findLast(([, , , , on]) => on === target) ?? [];
  return options.split(",")[0];
}

function readEnvironment(entries: readonly { name: string; value: string }[]): Settings {
  return Object.fromEntries(entries.map(({ name, value }) => [name, value]));
}

function readEnvironmentFile(path: string): Settings {
  const lines = readFileSync(path, "utf8").matchAll(/^(\w+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
}

function readUnit(path: string): ReadonlyMap<string, string> {
  const lines = readFileSync(path, "utf8").matchAll(/^(\w+)=(.*)$/gm);
  return new Map([...lines].map(([, name = "", value = ""]) => [name, value]));
}
