import { describeSettings, listSettings, StartError } from "@partner-service/settings";
import { describe, expect, test } from "vitest";
import { type Config, readConfig } from "../src/config/config.ts";
import { settings } from "../src/config/settings.ts";

const defaults: Config = {
  host: "127.0.0.1",
  port: 8080,
  processes: 1,
  reusePort: false,
  tls: undefined,
  databaseUrl: undefined,
  databaseWaitMs: 30_000,
  pool: { poolSize: 10, idleConnections: 3, statementNames: undefined },
  pageTokenSecret: undefined,
  deletedRetentionDays: 90,
  dataDirectory: ".data",
  authentication: undefined,
  organizationClaim: "org_id",
  corsOrigins: [],
  corsHeaders: [],
  console: true,
  readMaxBytes: 65_536,
  maxTimeoutMs: 30_000,
  jsonUnknownFields: "refuse",
  maxStreams: 256,
  maxCallsPerRequester: 256,
  rateLimit: undefined,
  unaryLane: true,
  shutdownDelayMs: 0,
  shutdownTimeoutMs: 10_000,
  shutdownGraceMs: 1_000,
  limits: {
    connections: 4_096,
    requests: 4_096,
    requestsPerConnection: 256,
    waitingBytes: 134_217_728,
    waitingBytesPerConnection: 1_048_576,
  },
  timeouts: {
    headersMs: 10_000,
    requestMs: 30_000,
    idleMs: 65_000,
    writeMs: 30_000,
    responseMs: 3_600_000,
    connectionMs: 3_600_000,
  },
  metricsPort: undefined,
  metricsHost: "127.0.0.1",
  metricExportIntervalMs: 60_000,
  otlpMetrics: false,
  otlpTraces: false,
  traces: { sampler: "parentbased_always_on", sampleRatio: 1 },
  spans: {
    scheduledDelayMillis: 5_000,
    exportTimeoutMillis: 30_000,
    maxQueueSize: 2_048,
    maxExportBatchSize: 512,
  },
  auditLog: "stdout",
  auditRequired: false,
  trustedProxies: [],
  logLevel: "info",
};

describe("settings", () => {
  test("have defaults, and an empty variable counts as absent", () => {
    expect(readConfig({})).toEqual(defaults);
    expect(readConfig({ PORT: "", DATABASE_URL: "", JWT_JWKS_URL: "" })).toEqual(defaults);
  });

  test("cannot be changed once read", () => {
    const config = readConfig({
      JWT_JWKS_URL: "https://issuer.example.com/jwks",
      JWT_ISSUER: "https://issuer.example.com",
      JWT_AUDIENCE: "partners",
      TLS_CERT_FILE: "test/support/tls/certificate.pem",
      TLS_KEY_FILE: "test/support/tls/key.pem",
    });
    const { authentication, tls, limits, corsOrigins, corsHeaders } = config;
    const lists = [authentication?.algorithms, corsOrigins, corsHeaders];
    for (const part of [config, authentication, authentication?.keys, tls, limits, ...lists]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test("are read from their variables", () => {
    const config = readConfig({
      HOST: "0.0.0.0",
      PORT: "0",
      PROCESSES: "256",
      REUSE_PORT: "on",
      DATABASE_URL: "postgres://localhost/partners",
      DATABASE_WAIT_MS: "0",
      DELETED_RETENTION: "1",
      DATA_DIR: "/var/lib/partners",
      JWT_JWKS_URL: "https://issuer.example.com/jwks",
      JWT_ISSUER: "https://issuer.example.com",
      JWT_AUDIENCE: "partners",
      JWT_ALGORITHMS: "ES256, EdDSA",
      JWT_REQUIRE_AT_JWT: "on",
      JWT_ORGANIZATION_CLAIM: "organizations",
      CORS_ORIGINS: "https://a.example.com, https://b.example.com:8443",
      CORS_HEADERS: "X-Tenant, b3",
      READ_MAX_BYTES: "1024",
      MAX_STREAMS: "2",
      MAX_CALLS_PER_REQUESTER: "1",
      RATE_LIMIT: "50/100",
      MAX_TIMEOUT_MS: "1000",
      JSON_UNKNOWN_FIELDS: "ignore",
      UNARY_LANE: "off",
      SHUTDOWN_DELAY_MS: "500",
      SHUTDOWN_TIMEOUT_MS: "2000",
      SHUTDOWN_GRACE_MS: "0",
      TLS_CERT_FILE: "test/support/tls/certificate.pem",
      TLS_KEY_FILE: "test/support/tls/key.pem",
      TLS_CLIENT_CA_FILE: "test/support/tls/certificate.pem",
      TLS_MIN_VERSION: "TLSv1.3",
      MAX_CONNECTIONS: "1",
      MAX_REQUESTS: "2",
      MAX_REQUESTS_PER_CONNECTION: "3",
      MAX_WAITING_BYTES: "1048576",
      MAX_WAITING_BYTES_PER_CONNECTION: "1024",
      HEADERS_TIMEOUT_MS: "4",
      REQUEST_TIMEOUT_MS: "5",
      IDLE_TIMEOUT_MS: "6",
      WRITE_TIMEOUT_MS: "7",
      MAX_RESPONSE_MS: "8",
      MAX_CONNECTION_MS: "9",
      METRICS_PORT: "9464",
      METRICS_HOST: "0.0.0.0",
      OTEL_METRICS_EXPORTER: "none",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318",
      OTEL_METRIC_EXPORT_INTERVAL: "1000",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.01",
      OTEL_BSP_SCHEDULE_DELAY: "10",
      OTEL_BSP_EXPORT_TIMEOUT: "11",
      OTEL_BSP_MAX_QUEUE_SIZE: "12",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "13",
      AUDIT_LOG: "/var/log/partners/audit.log",
      AUDIT_REQUIRED: "on",
      TRUSTED_PROXIES: "10.0.0.0/8, 2001:db8::1",
      LOG_LEVEL: "debug",
    });
    expect(config).toEqual({
      host: "0.0.0.0",
      port: 0,
      processes: 256,
      reusePort: true,
      tls: {
        certFile: "test/support/tls/certificate.pem",
        keyFile: "test/support/tls/key.pem",
        clientCaFile: "test/support/tls/certificate.pem",
        minVersion: "TLSv1.3",
      },
      databaseUrl: "postgres://localhost/partners",
      databaseWaitMs: 0,
      pool: { poolSize: 10, idleConnections: 3 },
      deletedRetentionDays: 1,
      dataDirectory: "/var/lib/partners",
      authentication: {
        issuer: "https://issuer.example.com",
        audience: "partners",
        algorithms: ["ES256", "EdDSA"],
        requireAtJwt: true,
        keys: { jwksUrl: new URL("https://issuer.example.com/jwks") },
      },
      organizationClaim: "organizations",
      console: false,
      corsOrigins: ["https://a.example.com", "https://b.example.com:8443"],
      corsHeaders: ["X-Tenant", "b3"],
      readMaxBytes: 1024,
      maxStreams: 2,
      maxCallsPerRequester: 1,
      rateLimit: { callsPerSecond: 50, burst: 100 },
      maxTimeoutMs: 1000,
      jsonUnknownFields: "ignore",
      unaryLane: false,
      shutdownDelayMs: 500,
      shutdownTimeoutMs: 2000,
      shutdownGraceMs: 0,
      limits: {
        connections: 1,
        requests: 2,
        requestsPerConnection: 3,
        waitingBytes: 1_048_576,
        waitingBytesPerConnection: 1_024,
      },
      timeouts: {
        headersMs: 4,
        requestMs: 5,
        idleMs: 6,
        writeMs: 7,
        responseMs: 8,
        connectionMs: 9,
      },
      metricsPort: 9464,
      metricsHost: "0.0.0.0",
      metricExportIntervalMs: 1000,
      otlpMetrics: false,
      otlpTraces: true,
      traces: { sampler: "traceidratio", sampleRatio: 0.01 },
      spans: {
        scheduledDelayMillis: 10,
        exportTimeoutMillis: 11,
        maxQueueSize: 12,
        maxExportBatchSize: 13,
      },
      auditLog: "/var/log/partners/audit.log",
      auditRequired: true,
      trustedProxies: ["10.0.0.0/8", "2001:db8::1"],
      logLevel: "debug",
    });
  });

  test.each([
    [{}, [undefined, false, false]],
    [{ METRICS_PORT: "0" }, [0, false, false]],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a" }, [undefined, true, true]],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://a" }, [undefined, true, false]],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://a" }, [undefined, false, true]],
    [
      {
        OTEL_SDK_DISABLED: "true",
        METRICS_PORT: "0",
        OTEL_METRICS_EXPORTER: "otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://a",
      },
      [undefined, false, false],
    ],
  ])("%j say which metrics and traces there are", (environment, expected) => {
    const { metricsPort, otlpMetrics, otlpTraces } = readConfig(environment);
    expect([metricsPort, otlpMetrics, otlpTraces]).toEqual(expected);
  });

  test("say of each its name, what it may hold and what it is for", () => {
    const help = describeSettings(settings);
    for (const { name, type, default: fallback, text } of listSettings(settings)) {
      expect(name).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      const absent = fallback === "" ? "" : `; default: ${fallback}`;
      expect(help).toContain(`  ${name} (${type}${absent})\n      ${text}\n`);
    }
  });

  test.each([
    ["http://127.0.0.1:8081/jwks"],
    ["http://127.1.2.3/jwks"],
    ["http://[::1]:8081/jwks"],
    ["http://localhost/jwks"],
  ])("take the keys from %s, which is this machine", (url) => {
    const { authentication } = readConfig({ ...issuer, JWT_JWKS_URL: url });
    expect(authentication?.keys).toEqual({ jwksUrl: new URL(url) });
  });

  test.each([
    ["postgresql://user:p%40ss@db.example.com:5432/partners?sslmode=verify-full"],
    ["postgres://user:p%40ss@a.example.com:5432,b.example.com,[::1]:5433/partners"],
  ])("take %s for a database", (url) => {
    expect(readConfig({ DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  const issuer = { JWT_ISSUER: "https://issuer.example.com", JWT_AUDIENCE: "partners" };
  const jwks = { JWT_JWKS_URL: "https://issuer.example.com/jwks" };
  const database = { DATABASE_URL: "postgres://localhost/partners" };
  const tls = {
    TLS_CERT_FILE: "test/support/tls/certificate.pem",
    TLS_KEY_FILE: "test/support/tls/key.pem",
  };
  test.each([
    ["postgres://localhost/partners?connect_timeout=3", "the parameter connect_timeout"],
    ["postgres://a,b:port/partners", "must be a URL"],
  ])("refuse %s, and name what is wrong with it", (url, problem) => {
    expect(() => readConfig({ DATABASE_URL: url })).toThrow(problem);
  });

  test.each<[string, Record<string, string>]>([
    ["PORT", { PORT: "http" }],
    ["PORT", { PORT: "65536" }],
    ["PORT", { PORT: "1e3" }],
    ["READ_MAX_BYTES", { READ_MAX_BYTES: "0" }],
    ["JSON_UNKNOWN_FIELDS", { JSON_UNKNOWN_FIELDS: "drop" }],
    ["MAX_TIMEOUT_MS", { MAX_TIMEOUT_MS: "-1" }],
    ["SHUTDOWN_TIMEOUT_MS", { SHUTDOWN_TIMEOUT_MS: "1.5" }],
    ["UNARY_LANE", { UNARY_LANE: "fast" }],
    ["PROCESSES", { ...database, PROCESSES: "0" }],
    ["PROCESSES", { ...database, PROCESSES: "257" }],
    ["PROCESSES", { ...database, PROCESSES: "2.5" }],
    ["PROCESSES", { ...database, PROCESSES: "all" }],
    ["PROCESSES", { PROCESSES: "2" }],
    ["REUSE_PORT", { REUSE_PORT: "yes" }],
    ["RATE_LIMIT", { RATE_LIMIT: "50" }],
    ["RATE_LIMIT", { RATE_LIMIT: "0/1" }],
    ["RATE_LIMIT", { RATE_LIMIT: "1/0" }],
    ["RATE_LIMIT", { RATE_LIMIT: "1000000/1" }],
    ["AUDIT_REQUIRED", { AUDIT_LOG: "off", AUDIT_REQUIRED: "on" }],
    ["TRUSTED_PROXIES", { TRUSTED_PROXIES: "10.0.0.0/33" }],
    ["TRUSTED_PROXIES", { TRUSTED_PROXIES: "proxy.example.com" }],
    ["CONSOLE", { CONSOLE: "yes" }],
    ["LOG_LEVEL", { LOG_LEVEL: "loud" }],
    ["DATABASE_URL", { DATABASE_URL: "partners" }],
    ["DATABASE_URL", { DATABASE_URL: "mysql://localhost/partners" }],
    ["DATABASE_URL", { DATABASE_URL: "postgres://localhost/partners?sslmode=on" }],
    [
      "DATABASE_URL",
      { DATABASE_URL: "postgres://localhost/partners?uselibpqcompat=true&sslmode=verify-ca" },
    ],
    ["DATABASE_URL", { DATABASE_URL: "postgres://localhost/%zz" }],
    ["STATEMENT_NAMES", { STATEMENT_NAMES: "none" }],
    ["TLS_KEY_FILE", { TLS_CERT_FILE: "test/support/tls/certificate.pem" }],
    ["TLS_CERT_FILE", { TLS_CERT_FILE: "nowhere.pem", TLS_KEY_FILE: "nowhere.pem" }],
    ["TLS_CERT_FILE", { TLS_CLIENT_CA_FILE: "test/support/tls/certificate.pem" }],
    ["TLS_CERT_FILE", { TLS_CERT_FILE: "package.json", TLS_KEY_FILE: "test/support/tls/key.pem" }],
    ["TLS_KEY_FILE", { ...tls, TLS_KEY_FILE: "test/support/tls/certificate.pem" }],
    ["TLS_CLIENT_CA_FILE", { ...tls, TLS_CLIENT_CA_FILE: "test/support/tls/key.pem" }],
    ["TLS_MIN_VERSION", { ...tls, TLS_MIN_VERSION: "TLSv1.1" }],
    ["MAX_CONNECTIONS", { MAX_CONNECTIONS: "0" }],
    ["HOST", { HOST: "0.0.0.0" }],
    ["HOST", { HOST: "partners.example.com" }],
    ["CORS_ORIGINS", { CORS_ORIGINS: "*" }],
    ["CORS_ORIGINS", { CORS_ORIGINS: "https://a.example.com/path" }],
    ["CORS_ORIGINS", { CORS_ORIGINS: "https://*.example.com" }],
    ["CORS_ORIGINS", { CORS_ORIGINS: "https://a.example.com,ftp://b.example.com" }],
    ["CORS_ORIGINS", { CORS_ORIGINS: "null" }],
    ["CORS_HEADERS", { CORS_HEADERS: "*" }],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", { OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" }],
    ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "collector" }],
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "grpc://a:4317" }],
    ["CORS_HEADERS", { CORS_HEADERS: "X-Tenant: 1" }],
    ["JWT_ISSUER", { ...jwks, JWT_AUDIENCE: "partners" }],
    ["JWT_AUDIENCE", { ...jwks, JWT_ISSUER: "https://issuer.example.com" }],
    ["JWT_JWKS_URL", { ...issuer, JWT_JWKS_URL: "http://issuer.example.com/jwks" }],
    ["JWT_JWKS_URL", { ...issuer, JWT_JWKS_URL: "ftp://127.0.0.1/jwks" }],
    ["JWT_JWKS_URL", { ...issuer, JWT_JWKS_URL: "http://127.0.0.1.example.com/jwks" }],
    ["JWT_JWKS_URL", { ...issuer, JWT_JWKS_URL: "https://user:password@issuer.example.com/jwks" }],
    ["JWT_JWKS_URL", { ...issuer, JWT_JWKS_URL: "https://token@issuer.example.com/jwks" }],
    ["JWT_JWKS_URL", { ...issuer, JWT_JWKS_URL: "issuer.example.com/jwks" }],
    ["JWT_JWKS_URL", { ...issuer, ...jwks, JWT_PUBLIC_KEY_FILE: "test/support/tls/key.pem" }],
    ["JWT_PUBLIC_KEY_FILE", { ...issuer, JWT_PUBLIC_KEY_FILE: "nowhere.pem" }],
    ["JWT_ALGORITHMS", { ...issuer, ...jwks, JWT_ALGORITHMS: "none" }],
    ["JWT_ALGORITHMS", { ...issuer, ...jwks, JWT_ALGORITHMS: "ES256,HS256" }],
  ])("a bad one stops the start, and %s is named", (name, environment) => {
    let failure: unknown;
    try {
      readConfig(environment);
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(StartError);
    expect(String(failure)).toContain(name);
    expect(String(failure)).not.toContain("\n");
    expect(String(failure)).not.toContain("password@");
  });
});
