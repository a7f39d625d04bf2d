import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toJsonString } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { DatabaseUnavailableError } from "@partner-service/postgres-statements";
import parsePrometheus from "parse-prometheus-text-format";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  CreatePartnerRequestSchema,
  PartnerService,
} from "../gen/partner/v1/partner_service_pb.ts";
import { readConfig } from "../src/config/config.ts";
import { type Service, startService } from "../src/service.ts";
import { callHeaders } from "./support/call-cases.ts";
import { createPostgresDatabase, type TestDatabase } from "./support/databases.ts";
import { linesTo } from "./support/lines-to.ts";
import { type Span, startOtlpReceiver } from "./support/otlp-receiver.ts";
import { failureOf } from "./support/outcome.ts";
import { onServer } from "./support/postgres.ts";
import { startProcess } from "./support/process.ts";
import { protocols } from "./support/protocols.ts";
import { partnerRequest } from "./support/requests.ts";
import { createTokenIssuer, type TokenIssuer, tokenRules } from "./support/tokens.ts";

interface Sample {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

interface Scrape {
  /** The type of each metric. */
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
}

const rpc = "partner.v1.PartnerService/CreatePartner";

let database: TestDatabase;
let directory: string;
let issuer: TokenIssuer;
let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>;
let environment: Record<string, string>;
const running: Service[] = [];
const log: Record<string, unknown>[] = [];

beforeAll(async () => {
  const postgres = await createPostgresDatabase();
  database = postgres;
  directory = await mkdtemp(join(tmpdir(), "partner-telemetry-"));
  issuer = await createTokenIssuer();
  await writeFile(join(directory, "key.json"), JSON.stringify(issuer.publicKey));
  receiver = await startOtlpReceiver();
  environment = {
    DATABASE_URL: postgres.settings.databaseUrl,
    PORT: "0",
    METRICS_PORT: "0",
    JWT_PUBLIC_KEY_FILE: join(directory, "key.json"),
    JWT_ISSUER: tokenRules.issuer,
    JWT_AUDIENCE: tokenRules.audience,
    SHUTDOWN_GRACE_MS: "0",
  };
});
afterAll(async () => {
  for (const service of running) {
    await service.stop();
  }
  vi.unstubAllEnvs();
  receiver?.close();
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Starts the service; the second is where its metrics are. */
async function start(settings: Record<string, string>): Promise<[Service, string]> {
  const config = readConfig({ ...environment, ...settings });
  const stream = linesTo((line) => log.push(JSON.parse(line)));
  const service = await startService(config, { level: "info", stream });
  running.push(service);
  return [service, String(service.metricsUrl)];
}

async function scrape(url: string): Promise<Scrape> {
  const text = await (await fetch(url)).text();
  const families: Family[] = parsePrometheus(text);
  // The parser takes a histogram for one without labels: without its type each sample is one by itself.
  const untyped: Family[] = parsePrometheus(text.replaceAll(/^# .*\n/gm, ""));
  return {
    types: new Map(families.map(({ name, type }) => [name, type.toLowerCase()])),
    samples: untyped.flatMap(({ name, metrics }) =>
      metrics.map(({ labels = {}, value }) => ({ name, labels, value: Number(value) })),
    ),
  };
}

interface Family {
  readonly name: string;
  readonly type: string;
  readonly metrics: readonly { readonly labels?: Record<string, string>; readonly value: string }[];
}

describe("metrics", () => {
  let service: Service;
  let metricsUrl: string;

  beforeAll(async () => {
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url);
    [service, metricsUrl] = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_TRACES_EXPORTER: "none",
      OTEL_METRIC_EXPORT_INTERVAL: "100",
    });
  });

  test("tell of one create over each protocol, and of a refused one, by OTLP and to Prometheus alike", async () => {
    for (const createTransport of Object.values(protocols)) {
      const client = createClient(PartnerService, createTransport(service.url));
      await client.createPartner(partnerRequest(), { headers: callHeaders(await issuer.token()) });
    }
    const client = createClient(
      PartnerService,
      Object.values(protocols)[0]?.(service.url) ?? never(),
    );
    await failureOf(
      client.createPartner(partnerRequest(), {
        headers: callHeaders("", { Authorization: undefined }),
      }),
    );
    const ok = { "rpc.method": rpc, "rpc.status_code": "OK" };
    const expected = [
      [{ "rpc.system.name": "connectrpc", ...ok }, 4],
      [{ "rpc.system.name": "grpc", ...ok }, 1],
      [{ "rpc.system.name": "grpc_web", ...ok }, 2],
      [
        {
          "rpc.system.name": "connectrpc",
          "rpc.method": rpc,
          "rpc.status_code": "UNAUTHENTICATED",
          "error.type": "ACCESS_TOKEN_MISSING",
        },
        1,
      ],
    ];
    await expect.poll(() => receiver.histograms()["rpc.server.call.duration"]).toEqual(expected);
    expect(receiver.resource()).toMatchObject({ "service.name": "partner-service" });

    const { samples } = await scrape(metricsUrl);
    const told = (name: string) =>
      samples.filter((sample) => sample.name === name).map(({ labels, value }) => [labels, value]);
    expect(told("rpc_server_call_duration_count")).toEqual(
      expected.map(([attributes = {}, count]) => [
        Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [name.replaceAll(".", "_"), value]),
        ),
        count,
      ]),
    );
    expect({
      active: told("http_server_active_requests"),
      tokens: told("partner_tokens_total"),
      waiting: told("partner_calls_waiting"),
      audited: told("partner_audit_events_total"),
      auditFailing: told("partner_audit_failing"),
      pending: told("db_client_connection_pending_requests"),
    }).toEqual({
      active: [[{}, 0]],
      tokens: [[{ partner_token_remembered: "false" }, 7]],
      waiting: [[{}, 0]],
      audited: [[{ partner_audit_written: "true" }, 8]],
      auditFailing: [[{}, 0]],
      pending: [[{}, 0]],
    });
    expect([
      told("http_server_request_body_size_count"),
      told("http_server_response_body_size_count"),
    ]).toEqual([[[{ rpc_method: rpc }, 8]], [[{ rpc_method: rpc }, 8]]]);
    for (const direction of ["request", "response"]) {
      const [[, bytes] = []] = told(`http_server_${direction}_body_size_sum`);
      // Seven partners, in JSON or in binary.
      expect(bytes).toBeGreaterThan(7 * 60);
    }
    expect(told("partner_statement_calls_sum")).toContainEqual([
      { db_query_summary: "insert-partners" },
      7,
    ]);
  });

  test("have no label that a caller can make up", async () => {
    const secret = "f00dfeed";
    await fetch(`${service.url}/${secret}?${secret}`, { headers: { "X-Request-Id": secret } });
    await fetch(`${service.url}/healthz`, { method: "PROPFIND" });
    const text = await (await fetch(metricsUrl)).text();
    expect(text).not.toContain(secret);
    expect(text).not.toContain("PROPFIND");
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
  });

  test("are documented: each name, with its type, its unit and its labels", async () => {
    // What else would need a failure of the database, or an issuer's keys that are fetched.
    const failure = new DatabaseUnavailableError(true, new Error("The connection is lost."));
    channel("postgres-statements.retry").publish({ failure });
    channel("access-tokens.keys").publish({ fetched: true });
    channel("log-lines.audit").publish({ written: 0, lost: 1, waiting: 0, failing: false });
    channel("postgres-statements.statement").publish({
      ...{ name: "insert-partners", text: "", startedAt: 0, durationMs: 1, failure },
    });
    await fetch(`${service.url}/healthz`);
    const [, secureUrl] = await start({
      TLS_CERT_FILE: "test/support/tls/certificate.pem",
      TLS_KEY_FILE: "test/support/tls/key.pem",
    });
    // A collection of garbage is told of, once there has been one.
    await expect
      .poll(async () => [...(await scrape(metricsUrl)).types.keys()])
      .toContain("v8js_gc_duration");
    const exported = new Map<string, { type: string; labels: Set<string> }>();
    for (const { types, samples } of [await scrape(metricsUrl), await scrape(secureUrl)]) {
      for (const [name, type] of types) {
        const own = samples.filter((sample) =>
          [name, `${name}_bucket`, `${name}_count`].includes(sample.name),
        );
        const labels = own.flatMap((sample) => Object.keys(sample.labels));
        const known = exported.get(name)?.labels ?? [];
        exported.set(name, { type, labels: new Set([...known, ...labels]) });
      }
    }
    exported.delete("target_info");
    for (const { labels } of exported.values()) {
      // Of the buckets of histograms.
      labels.delete("le");
    }

    const [, table = ""] =
      /^## Metrics$[\s\S]*?\n\|(?: *-+ *\|)+\n([\s\S]*?)\n\n/m.exec(
        await readFile("docs/operations.md", "utf8"),
      ) ?? [];
    const documented = table.split("\n").map((row) => {
      const [name = "", type = "", , labels = ""] = row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      return [name, type, labels === "" ? [] : labels.split(", ").toSorted()];
    });
    expect(documented.toSorted()).toEqual(
      [...exported].map(([name, { type, labels }]) => [name, type, [...labels].sort()]).toSorted(),
    );
  });

  test("are served at /metrics alone", async () => {
    expect((await fetch(metricsUrl.replace("/metrics", "/"))).status).toBe(404);
    expect((await fetch(metricsUrl, { method: "POST" })).status).toBe(404);
  });
});

describe("traces", () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const parentSpanId = "00f067aa0ba902b7";

  /** Starts a service that traces, has it do something, and returns its spans once it has stopped. */
  async function spansOf(
    settings: Record<string, string>,
    act: (service: Service) => Promise<void>,
  ): Promise<Span[]> {
    const before = receiver.spans.length;
    const [service] = await start({ OTEL_TRACES_EXPORTER: "otlp", ...settings });
    await act(service);
    running.splice(running.indexOf(service), 1);
    await service.stop();
    return receiver.spans.slice(before);
  }

  test.each(Object.entries(protocols))(
    "tell of a create over %s, below its caller's span, and of its statement",
    async (name, createTransport) => {
      const requestId = `trace-${name.replaceAll(/\W+/g, "-")}`;
      let answered: string | null = null;
      const spans = await spansOf({}, async ({ url }) => {
        const client = createClient(PartnerService, createTransport(url));
        const headers = callHeaders(await issuer.token(), {
          traceparent: `00-${traceId}-${parentSpanId}-01`,
          "X-Request-Id": requestId,
        });
        const onHeader = (header: Headers) => {
          answered = header.get("traceparent");
        };
        await client.createPartner(partnerRequest(), { headers, onHeader });
        // The client may have its answer before the call has ended.
        await expect.poll(() => log.some((line) => line.requestId === requestId)).toBe(true);
      });
      const server = spans.find(({ kind }) => kind === 2);
      const spanId = server?.spanId ?? "";
      const system = name.startsWith("Connect")
        ? "connectrpc"
        : name.startsWith("gRPC-Web")
          ? "grpc_web"
          : "grpc";
      expect(spans.toSorted((one, other) => one.kind - other.kind)).toEqual([
        {
          ...{ traceId, spanId, parentSpanId, name: rpc, kind: 2, links: [], status: 0 },
          attributes: {
            "rpc.system.name": system,
            "rpc.method": rpc,
            "rpc.status_code": "OK",
            "partner.request_id": requestId,
          },
        },
        {
          ...{ traceId, spanId: expect.any(String), parentSpanId: spanId, kind: 3, status: 0 },
          name: "insert-partners",
          attributes: {
            "db.system.name": "postgresql",
            "db.query.summary": "insert-partners",
            "db.operation.batch.size": 1,
          },
          links: [{ traceId, spanId }],
        },
      ]);
      expect(answered).toBe(`00-${traceId}-${spanId}-01`);
      expect(
        log.filter((line) => line.requestId === requestId && line.msg === "call"),
      ).toMatchObject([{ traceId, spanId, code: "ok" }]);
    },
  );

  test("are named in each line of the log of a call, also in that of its failure", async () => {
    const rename = (from: string, to: string) =>
      onServer(
        environment.DATABASE_URL ?? "",
        `alter table partner rename column ${from} to ${to}`,
      );
    const before = log.length;
    const spans = await spansOf({}, async ({ url }) => {
      const headers = callHeaders(await issuer.token(), { "Content-Type": "application/json" });
      const body = toJsonString(CreatePartnerRequestSchema, partnerRequest());
      await rename("city", "town");
      const { status } = await fetch(`${url}/${rpc}`, { method: "POST", headers, body });
      await rename("town", "city");
      expect(status).toBe(500);
    });
    const { traceId, spanId } = spans.find(({ kind }) => kind === 2) ?? {};
    const lines = log
      .slice(before)
      .filter(({ requestId, msg }) => requestId !== undefined && msg !== undefined);
    expect(lines.map(({ msg, ...line }) => [msg, line.traceId, line.spanId])).toEqual([
      ["call failed", traceId, spanId],
      ["call", traceId, spanId],
    ]);
  });

  test("tell of a refused call, with its reason; it is no failure of the service", async () => {
    const spans = await spansOf({}, async ({ url }) => {
      await fetch(`${url}/${rpc}`, {
        method: "POST",
        body: "{}",
        headers: { "Content-Type": "application/json" },
      });
      await fetch(`${url}/healthz`);
    });
    const told = spans.map(({ name, status, attributes }) => [
      name,
      status,
      attributes["rpc.status_code"],
      attributes["error.type"],
    ]);
    expect(told).toEqual([
      [rpc, 0, "UNAUTHENTICATED", "ACCESS_TOKEN_MISSING"],
      ["GET /healthz", 0, "OK", undefined],
    ]);
  });

  test.each([
    [{ OTEL_TRACES_SAMPLER: "always_off" }, "01", 0],
    [{ OTEL_TRACES_SAMPLER: "always_on" }, "00", 1],
    [{ OTEL_TRACES_SAMPLER: "parentbased_always_on" }, "00", 0],
    [{ OTEL_TRACES_SAMPLER: "parentbased_always_off" }, "01", 1],
    [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" }, "01", 0],
    [{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" }, "01", 1],
  ])("are sampled as %j says, of a caller's flags %s", async (settings, flags, count) => {
    const spans = await spansOf(settings, async ({ url }) => {
      await fetch(`${url}/healthz`, {
        headers: { traceparent: `00-${traceId}-${parentSpanId}-${flags}` },
      });
    });
    expect(spans).toHaveLength(count);
  });

  test("are of some of the calls where a share is asked for, and each of these has a trace of its own", async () => {
    const answered: string[] = [];
    const sampler = { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.5" };
    const spans = await spansOf(sampler, async ({ url }) => {
      for (let call = 0; call < 40; call += 1) {
        const { headers } = await fetch(`${url}/healthz`);
        answered.push(headers.get("traceparent") ?? "");
      }
    });
    const sampled = answered.filter((traceparent) => traceparent !== "");
    expect(sampled.length).toBeGreaterThan(0);
    expect(sampled.length).toBeLessThan(40);
    expect(spans.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`)).toEqual(sampled);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(sampled.length);
  });
});

test("each signal goes where its own variables say, as often as they say", async () => {
  vi.stubEnv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", `${receiver.url}/first/v1/metrics`);
  vi.stubEnv("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-tenant=metrics");
  vi.stubEnv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta");
  vi.stubEnv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", `${receiver.url}/second/v1/traces`);
  vi.stubEnv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-tenant=traces");
  const [service] = await start({
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_METRIC_EXPORT_INTERVAL: "100",
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_BSP_SCHEDULE_DELAY: "3600000",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1",
  });
  await fetch(`${service.url}/healthz`);
  const exported = (name: string) => receiver.exports.filter(({ tenant }) => tenant === name);
  const countedRequests = () =>
    exported("metrics").flatMap(({ histograms }) =>
      (histograms["http.server.request.duration"] ?? []).map(([, count]) => count),
    );
  await expect.poll(() => countedRequests().slice(0, 2)).toEqual([1, 0]);
  await expect.poll(() => exported("traces")).toHaveLength(1);
  expect([exported("metrics")[0]?.path, exported("traces")[0]?.path]).toEqual([
    "/first/v1/metrics",
    "/second/v1/traces",
  ]);
});

test("what OpenTelemetry finds wrong with its own variables is told by the log, and the service starts", async () => {
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon");
  const before = log.length;
  await start({ OTEL_TRACES_EXPORTER: "otlp" });
  expect(log.slice(before)).toContainEqual(
    expect.objectContaining({
      level: 40,
      msg: "telemetry",
      reason: expect.stringContaining("OTEL_EXPORTER_OTLP_TIMEOUT"),
    }),
  );
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", undefined);
});

test("a collector that is away is told of in a line without a stack", async () => {
  vi.stubEnv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/v1/traces");
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "100");
  const before = log.length;
  const [service] = await start({
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1",
  });
  await fetch(`${service.url}/healthz`);
  const reasons = () => log.slice(before).flatMap(({ reason = [] }) => reason);
  await expect.poll(reasons).toContain("connect ECONNREFUSED 127.0.0.1:1");
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", undefined);
});

test("a collector that answers nothing does not keep the service from its end", async () => {
  const silent = createServer();
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  await once(silent.listen(0, "127.0.0.1"), "listening");
  const service = startProcess("src/main.ts", {
    ...environment,
    // A server that listens on a port has an address of this type.
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: "3600000",
  });
  onTestFinished(() => {
    service.child.kill("SIGKILL");
  });
  const [, url] = await service.waitFor(/"url":"([^"]+)","msg":"ready"/);
  await fetch(`${url}/healthz`);
  service.child.kill("SIGTERM");
  expect(await service.ended()).toBe(0);
  expect(service.output()).toContain('"clean":true,"msg":"stopped"');
});

test("OpenTelemetry and CORS are loaded where they are on, and what compiles schemas never is", async () => {
  const loaded = async (settings: Record<string, string>) => {
    const child = startProcess("test/support/loaded-modules.ts", { ...environment, ...settings });
    const [text] = await child.waitFor(/^loaded: .*$/m);
    return text;
  };
  const { METRICS_PORT: _, ...off } = environment;
  environment = off;
  expect(await loaded({})).toBe("loaded: ");
  expect(await loaded({ METRICS_PORT: "0" })).toBe("loaded: @opentelemetry");
  expect(await loaded({ CORS_ORIGINS: "https://app.example" })).toBe("loaded: @fastify/cors");
});

function never(): never {
  throw new Error("There is no protocol.");
}
