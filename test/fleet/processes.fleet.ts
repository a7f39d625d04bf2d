import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { callHeaders } from "../support/call-cases.ts";
import { createPostgresDatabase, type TestDatabase } from "../support/databases.ts";
import { startOtlpReceiver } from "../support/otlp-receiver.ts";
import { type ServiceProcess, startProcess } from "../support/process.ts";
import { createTokenIssuer, tokenRules } from "../support/tokens.ts";
import { openCallers, startLoad } from "./callers.ts";

let database: TestDatabase & { readonly settings: { readonly databaseUrl: string } };
let directory: string;
let headers: Headers;
let started: ServiceProcess[] = [];

beforeAll(async () => {
  database = await createPostgresDatabase();
  directory = await mkdtemp(join(tmpdir(), "partner-processes-"));
  const issuer = await createTokenIssuer();
  await writeFile(join(directory, "key.json"), JSON.stringify(issuer.publicKey));
  headers = callHeaders(await issuer.token());
});
afterEach(() => {
  for (const { child } of started) {
    child.kill("SIGKILL");
  }
  started = [];
});
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});

function start(settings: Readonly<Record<string, string>> = {}): ServiceProcess {
  const service = startProcess("src/main.ts", {
    PORT: "0",
    PROCESSES: "2",
    DATABASE_URL: database.settings.databaseUrl,
    JWT_PUBLIC_KEY_FILE: join(directory, "key.json"),
    JWT_ISSUER: tokenRules.issuer,
    JWT_AUDIENCE: tokenRules.audience,
    ...settings,
  });
  started.push(service);
  return service;
}

async function urlOf(service: ServiceProcess): Promise<string> {
  const [, url = ""] = await service.waitFor(/"url":"([^"]+)","processes":2,"msg":"ready"/);
  return url;
}

/** What `/readyz` answers on a new connection. */
async function readiness(url: string): Promise<number> {
  const { status } = await fetch(`${url}/readyz`, { headers: { Connection: "close" } });
  return status;
}

async function readinessWithin(url: string, ms: number): Promise<number | undefined> {
  try {
    const init = { headers: { Connection: "close" }, signal: AbortSignal.timeout(ms) };
    return (await fetch(`${url}/readyz`, init)).status;
  } catch {
    return undefined;
  }
}

/** The processes of which the log tells that they have answered calls. */
function pidsThatAnswered(service: ServiceProcess): readonly number[] {
  const lines = service.output().matchAll(/"pid":(\d+)[^\n]*"msg":"call"/g);
  return [...new Set([...lines].map(([, pid]) => Number(pid)))];
}

/** Asks for the readiness on connections of their own until all processes have answered, and counts how often. */
async function callAll(service: ServiceProcess, url: string) {
  for (let calls = 1; ; calls += 1) {
    await readiness(url);
    const pids = pidsThatAnswered(service);
    if (pids.length > 1) {
      return { pids, calls };
    }
  }
}

describe("PROCESSES=2", () => {
  test("shares one port, replaces both processes on SIGHUP without a failed call, and ends them on SIGTERM", async () => {
    const audit = join(directory, "audit");
    const service = start({ AUDIT_LOG: audit });
    const url = await urlOf(service);
    const load = startLoad(openCallers({ http1: url, grpc: url }, headers));
    await load.answers(50);
    await rename(audit, `${audit}.1`);
    service.child.kill("SIGHUP");
    await service.waitFor(/"process replaced"(?:.|\n)*"process replaced"/);
    await load.answers(50);
    await load.end();
    expect(load.failures).toEqual([]);
    expect(await readFile(audit, "utf8")).toMatch(/^\{"audit":1/);

    service.child.kill("SIGTERM");
    expect(await service.ended()).toBe(0);
    const pids = pidsThatAnswered(service);
    expect(pids).toHaveLength(4);
    for (const pid of pids) {
      expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    }
  });

  test("follows a process that dies by another one, and keeps what it had counted", async () => {
    const service = start({ METRICS_PORT: "0" });
    const url = await urlOf(service);
    const [, metricsUrl = ""] = await service.waitFor(/"url":"([^"]+)","msg":"metrics"/);
    /** The requests for /readyz that were counted, and the processes that tell how much memory they have. */
    const counted = async () => {
      const text = await (await fetch(metricsUrl)).text();
      const [, requests] =
        /^http_server_request_duration_count\{[^}]*readyz[^}]*\} (\d+)$/m.exec(text) ?? [];
      const processes = text.matchAll(/^process_memory_usage\{process="(\d)"\} \d+$/gm);
      return {
        requests: Number(requests),
        processes: [...processes].map(([, number]) => number).sort(),
      };
    };
    const { pids, calls } = await callAll(service, url);
    // A caller may have its answer before the call has been counted.
    await expect.poll(counted).toEqual({ requests: calls, processes: ["1", "2"] });

    process.kill(pids[0] ?? 0, "SIGKILL");
    await service.waitFor(
      /"signal":"SIGKILL","delayMs":100,"msg":"process ended, another one follows"/,
    );
    expect(await readiness(url)).toBe(200);
    await expect.poll(counted).toEqual({ requests: calls + 1, processes: ["1", "2"] });
  });

  test("exports the metrics of each process by OTLP as an instance of its own", async () => {
    const receiver = await startOtlpReceiver();
    const service = start({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_TRACES_EXPORTER: "none",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
      OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=given,deployment.environment.name=test",
    });
    await urlOf(service);
    const instances = new Set<unknown>();
    const count = () => {
      const resource = receiver.resource();
      if (resource["deployment.environment.name"] === "test") {
        instances.add(resource["service.instance.id"]);
      }
      return instances.size;
    };
    await expect.poll(count).toBe(2);
    expect([...instances]).not.toContain("given");
    receiver.close();
  });

  test("is ready as a whole: not while one of the processes is stuck", async () => {
    const service = start();
    const url = await urlOf(service);
    const { pids } = await callAll(service, url);
    expect(await readiness(url)).toBe(200);
    process.kill(pids[0] ?? 0, "SIGSTOP");
    // What the stuck one has taken is not answered: ask as often as it takes to reach the other.
    const ask = () => readinessWithin(url, 6000);
    await expect.poll(ask).toBe(503);
    process.kill(pids[0] ?? 0, "SIGCONT");
    await expect.poll(ask).toBe(200);
  });

  test("ends at once, with one line, where the first process cannot start", async () => {
    const empty = await createPostgresDatabase("template1");
    const service = start({ DATABASE_URL: empty.settings.databaseUrl });
    expect(await service.ended()).toBe(1);
    expect(service.output()).toMatch(/^The database lacks migrations: [^\n]*\n$/);
    await empty.close();
  });

  test("prints one welcome, and one token, in the sandbox on PostgreSQL", async () => {
    const service = start({ JWT_PUBLIC_KEY_FILE: "", DATA_DIR: join(directory, "data") });
    await service.waitFor(/More tokens: .*\n/);
    service.child.kill("SIGTERM");
    expect(await service.ended()).toBe(0);
    expect(service.output().match(/More tokens/g)).toHaveLength(1);
  });
});
