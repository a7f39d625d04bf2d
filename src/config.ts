import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { findParameterProblem, parseDatabaseUrl } from "@partner-service/database-url";
import {
  checkTlsFiles,
  defaultLimits,
  defaultTimeouts,
  type TlsFiles,
  TlsFilesError,
} from "@partner-service/one-port-server";
import type { RateLimit } from "./interceptors/rate-limit.ts";
import { isLoopback } from "./loopback.ts";
import { isAddressRange } from "./observability/caller-address.ts";
import {
  file,
  integer,
  oneOf,
  onOff,
  optional,
  optionalOnOff,
  type Setting,
  splitList,
  text,
  withDefault,
} from "./setting.ts";
import { StartError } from "./start-error.ts";

/** The algorithms that may be allowed: asymmetric ones (RFC 8725, section 3.2). */
const asymmetricAlgorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

const hour = 3_600_000;
const mebibyte = 1024 * 1024;
const million = 1_000_000;

/**
 * Everything that can be set from outside, each by the environment variable that it names. What the
 * service reads, `npm start -- --help` and the table in the documents come from here.
 */
export const settings = {
  host: text(
    "HOST",
    "127.0.0.1",
    "the address to listen on; the sandbox serves loopback ones only",
  ),
  port: integer("PORT", 8080, [0, 65_535], "one port for HTTP/1.1 and HTTP/2; 0 takes a free one"),
  processes: withDefault(
    "PROCESSES",
    "1 to 256, or auto",
    "1",
    "how many processes serve the port (on PostgreSQL); auto: one for each core. Other limits are those of each",
    readProcesses,
  ),
  reusePort: onOff(
    "REUSE_PORT",
    "off",
    "on: several processes share the port, each with its own connections (Linux, FreeBSD; on PostgreSQL)",
  ),
  tlsCertFile: optional(
    "TLS_CERT_FILE",
    "PEM file",
    "cleartext",
    "the certificate and its chain: the same port over TLS, ALPN h2 and http/1.1; files that change are taken up within 10 seconds, or on SIGHUP",
    String,
  ),
  tlsKeyFile: optional("TLS_KEY_FILE", "PEM file", "", "the certificate's private key", String),
  tlsClientCaFile: optional(
    "TLS_CLIENT_CA_FILE",
    "PEM file",
    "",
    "the authorities of the clients' certificates; with it a client without one is refused (mutual TLS)",
    String,
  ),
  tlsMinVersion: oneOf(
    "TLS_MIN_VERSION",
    "TLSv1.2",
    ["TLSv1.2", "TLSv1.3"],
    "the least version of TLS that is spoken",
  ),
  maxConnections: integer(
    "MAX_CONNECTIONS",
    defaultLimits.connections,
    [1, million],
    "the most connections at a time, and never more than the process may open files for, less 64; a further one takes the place of the one that has been idle the longest",
  ),
  maxRequests: integer(
    "MAX_REQUESTS",
    defaultLimits.requests,
    [1, million],
    "the most requests in flight, streams among them; from there on connections with more than their share get no further ones",
  ),
  maxRequestsPerConnection: integer(
    "MAX_REQUESTS_PER_CONNECTION",
    defaultLimits.requestsPerConnection,
    [1, 10_000],
    "the most requests in flight on one connection over HTTP/2",
  ),
  maxWaitingBytes: integer(
    "MAX_WAITING_BYTES",
    defaultLimits.waitingBytes,
    [mebibyte, 64 * 1024 * mebibyte],
    "the most bytes of answers that wait for callers to take them; above, those who let most wait are cut off",
  ),
  maxWaitingBytesPerConnection: integer(
    "MAX_WAITING_BYTES_PER_CONNECTION",
    defaultLimits.waitingBytesPerConnection,
    [1024, 1024 * mebibyte],
    "the bytes that may wait for one connection before its next requests wait too",
  ),
  headersTimeoutMs: integer(
    "HEADERS_TIMEOUT_MS",
    defaultTimeouts.headersMs,
    [1, hour],
    "how long a TLS handshake, a connection's first bytes and a request's headers may take",
  ),
  requestTimeoutMs: integer(
    "REQUEST_TIMEOUT_MS",
    defaultTimeouts.requestMs,
    [1, hour],
    "how long a whole request may take to arrive",
  ),
  idleTimeoutMs: integer(
    "IDLE_TIMEOUT_MS",
    defaultTimeouts.idleMs,
    [1, 24 * hour],
    "how long a connection without requests is kept; longer than a load balancer keeps its own (60 s)",
  ),
  writeTimeoutMs: integer(
    "WRITE_TIMEOUT_MS",
    defaultTimeouts.writeMs,
    [1, hour],
    "how long a caller may take nothing of an answer that waits for it",
  ),
  maxResponseMs: integer(
    "MAX_RESPONSE_MS",
    defaultTimeouts.responseMs,
    [1, 24 * hour],
    "how long an answer may go on: the longest life of a stream",
  ),
  maxConnectionMs: integer(
    "MAX_CONNECTION_MS",
    defaultTimeouts.connectionMs,
    [1, 24 * hour],
    "after which a connection takes no further requests, so that callers spread over processes",
  ),
  databaseUrl: optional(
    "DATABASE_URL",
    "postgres://…",
    "PGlite in DATA_DIR",
    "the PostgreSQL database, with parameters as pg takes them: `?sslmode=verify-full`; of several hosts, `a:5432,b:5432`, the one that takes writes",
    readDatabaseUrl,
  ),
  databaseWaitMs: integer(
    "DATABASE_WAIT_MS",
    30_000,
    [0, hour],
    "how long a start, and `npm run migrate`, wait for a PostgreSQL that is not there yet",
  ),
  databasePoolSize: integer(
    "DATABASE_POOL_SIZE",
    10,
    [2, 1000],
    "the most connections to PostgreSQL; the server must have as many for each process",
  ),
  databaseIdleConnections: integer(
    "DATABASE_IDLE_CONNECTIONS",
    3,
    [0, 1000],
    "how many of them stay open while nobody calls",
  ),
  statementNames: optionalOnOff(
    "STATEMENT_NAMES",
    "on, but off behind a pooler",
    "whether the statements of most calls are prepared under a name, which a pooler may not keep",
  ),
  pageTokenSecret: optional(
    "PAGE_TOKEN_SECRET",
    "text",
    "DATABASE_URL",
    "what page tokens are sealed with, the same for all processes; for a DATABASE_URL without a password",
    readPageTokenSecret,
  ),
  deletedRetentionDays: integer(
    "DELETED_RETENTION",
    90,
    [1, 36_500],
    "for how many days it is remembered that a partner was deleted: that long its `request_id` is refused, and change tokens are good",
  ),
  dataDirectory: text("DATA_DIR", ".data", "the folder of the sandbox's database and key"),
  jwksUrl: optional(
    "JWT_JWKS_URL",
    "https://…",
    "the sandbox's key",
    "where the issuer of access tokens publishes its keys",
    readJwksUrl,
  ),
  publicKey: file(
    "JWT_PUBLIC_KEY_FILE",
    "PEM or JWK file",
    "",
    "in its place: the one key of the issuer",
  ),
  issuer: optional("JWT_ISSUER", "text", "", "the `iss` of tokens; required with a key", String),
  audience: optional("JWT_AUDIENCE", "text", "", "their `aud`; required with a key", String),
  algorithms: withDefault(
    "JWT_ALGORITHMS",
    "list",
    "RS256,PS256,ES256,EdDSA",
    `what they may be signed with, of ${asymmetricAlgorithms.join(", ")}`,
    readAlgorithms,
  ),
  requireAtJwt: onOff(
    "JWT_REQUIRE_AT_JWT",
    "off",
    "on: tokens whose `typ` is not `at+jwt` (RFC 9068) are refused; off: `JWT` or none will do",
  ),
  organizationClaim: text(
    "JWT_ORGANIZATION_CLAIM",
    "org_id",
    "the claim with the caller's organization, or a list of them",
  ),
  corsOrigins: withDefault(
    "CORS_ORIGINS",
    "list of origins",
    "",
    "the origins whose pages may call: `https://app.example.com`",
    readOrigins,
  ),
  corsHeaders: withDefault(
    "CORS_HEADERS",
    "list of header names",
    "",
    "what those pages may send beside the service's own headers and those of W3C traces and baggage",
    readHeaderNames,
  ),
  console: optionalOnOff(
    "CONSOLE",
    "on in the sandbox, else off",
    "whether the console is served at `/`; outside the sandbox a person pastes a token",
  ),
  readMaxBytes: integer(
    "READ_MAX_BYTES",
    65_536,
    [1, 64 * mebibyte],
    "the largest message, on the wire and decompressed; a batch has its own bound, 2 MiB",
  ),
  maxTimeoutMs: integer(
    "MAX_TIMEOUT_MS",
    30_000,
    [1, hour],
    "the longest timeout a caller may ask for; longer ones are cut to it",
  ),
  jsonUnknownFields: oneOf(
    "JSON_UNKNOWN_FIELDS",
    "refuse",
    ["refuse", "ignore"],
    "what becomes of fields and enum values in JSON whose names the contract does not know",
  ),
  maxStreams: integer(
    "MAX_STREAMS",
    256,
    [2, 65_536],
    "how many streaming calls may be open at once; a quarter of them for one requester, half from one address, 16 on one connection",
  ),
  maxCallsPerRequester: integer(
    "MAX_CALLS_PER_REQUESTER",
    256,
    [1, million],
    "how many calls of one requester, without its streams, may be under way at once; further ones wait for a second at most",
  ),
  rateLimit: optional(
    "RATE_LIMIT",
    "calls a second/burst",
    "no limit",
    "how often each requester may call this process, and how many calls may come at once: `50/100`",
    readRateLimit,
  ),
  unaryLane: onOff(
    "UNARY_LANE",
    "on",
    "off: every call goes through Connect's Fastify plugin; slower, with the same answers",
  ),
  shutdownDelayMs: integer(
    "SHUTDOWN_DELAY_MS",
    0,
    [0, hour],
    "how long SIGTERM leaves the service as it is, but not ready: what a load balancer needs to notice",
  ),
  shutdownTimeoutMs: integer(
    "SHUTDOWN_TIMEOUT_MS",
    10_000,
    [1, hour],
    "how long SIGTERM then waits for calls in flight",
  ),
  shutdownGraceMs: integer(
    "SHUTDOWN_GRACE_MS",
    defaultTimeouts.graceMs,
    [0, hour],
    "how long, of this, what still comes on open connections is served, before those without calls are closed",
  ),
  metricsPort: optional(
    "METRICS_PORT",
    "0 to 65535",
    "no port",
    "the port on which Prometheus finds the metrics at `/metrics`; 0 takes a free one",
    (value) => integer("METRICS_PORT", 0, [0, 65_535], "").read(value),
  ),
  metricsHost: text("METRICS_HOST", "127.0.0.1", "the address of that port"),
  otelDisabled: oneOf(
    "OTEL_SDK_DISABLED",
    "false",
    ["false", "true"],
    "true: neither metrics nor traces, whatever else is set",
  ),
  otelMetricsExporter: optional(
    "OTEL_METRICS_EXPORTER",
    "none, otlp",
    "otlp where they have an endpoint, else none",
    "whether metrics are exported by OTLP over HTTP, as OpenTelemetry's variables OTEL_EXPORTER_OTLP_… say",
    (value) => readExporter("OTEL_METRICS_EXPORTER", value),
  ),
  otelTracesExporter: optional(
    "OTEL_TRACES_EXPORTER",
    "none, otlp",
    "otlp where they have an endpoint, else none",
    "whether traces are, sampled as OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say",
    (value) => readExporter("OTEL_TRACES_EXPORTER", value),
  ),
  tracesSampler: oneOf(
    "OTEL_TRACES_SAMPLER",
    "parentbased_always_on",
    [
      ...(["always_on", "always_off", "traceidratio"] as const),
      ...(["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"] as const),
    ],
    "which calls are traced; parentbased: as the caller's `traceparent` says, where it has one",
  ),
  tracesSampleRatio: withDefault(
    "OTEL_TRACES_SAMPLER_ARG",
    "0 to 1",
    "1",
    "the share of the calls that traceidratio takes: 0.01",
    (value) => {
      const ratio = Number(value);
      if (!/^[\d.]+$/.test(value) || !(ratio <= 1)) {
        throw new StartError("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1.");
      }
      return ratio;
    },
  ),
  otlpEndpoint: optional(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "URL",
    "",
    "where OTLP goes: `http://localhost:4318`",
    String,
  ),
  otlpMetricsEndpoint: optional(
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT, `/v1/metrics`",
    "where metrics go: `http://localhost:9090/api/v1/otlp/v1/metrics`",
    String,
  ),
  otlpTracesEndpoint: optional(
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT, `/v1/traces`",
    "where traces go: `http://localhost:4318/v1/traces`",
    String,
  ),
  spanDelayMs: integer(
    "OTEL_BSP_SCHEDULE_DELAY",
    5_000,
    [1, hour],
    "how long a span waits for others that are exported with it",
  ),
  spanTimeoutMs: integer(
    "OTEL_BSP_EXPORT_TIMEOUT",
    30_000,
    [1, hour],
    "how long an export of spans may take",
  ),
  maxSpans: integer(
    "OTEL_BSP_MAX_QUEUE_SIZE",
    2_048,
    [1, 1_000_000],
    "the most spans that wait; further ones are dropped",
  ),
  maxSpansPerExport: integer(
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    512,
    [1, 1_000_000],
    "the most spans that are exported together, which then do not wait for others",
  ),
  metricExportIntervalMs: integer(
    "OTEL_METRIC_EXPORT_INTERVAL",
    60_000,
    [100, hour],
    "how often metrics are exported by OTLP",
  ),
  auditLog: withDefault(
    "AUDIT_LOG",
    "off, stdout or a file",
    "stdout",
    "where the audit trail goes: between the lines of the log, or into a file, which is opened anew on SIGHUP",
    String,
  ),
  auditRequired: onOff(
    "AUDIT_REQUIRED",
    "off",
    "on: no change is made, or acknowledged, while the audit trail cannot be written",
  ),
  trustedProxies: withDefault(
    "TRUSTED_PROXIES",
    "list of addresses and CIDRs",
    "",
    "the proxies whose `X-Forwarded-For` tells the address of the caller in the audit trail: `10.0.0.0/8`",
    readAddressRanges,
  ),
  logLevel: oneOf(
    "LOG_LEVEL",
    "info",
    ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
    "the least severe lines that are logged",
  ),
} as const satisfies Record<string, Setting<unknown>>;

type Values = {
  readonly [Key in keyof typeof settings]: ReturnType<(typeof settings)[Key]["read"]>;
};

type Joined =
  | TlsValues
  | keyof AuthenticationValues
  | "console"
  | "otelDisabled"
  | "otelMetricsExporter"
  | "otelTracesExporter"
  | "otlpEndpoint"
  | "otlpMetricsEndpoint"
  | "otlpTracesEndpoint";
type AuthenticationValues = Pick<
  Values,
  "jwksUrl" | "publicKey" | "issuer" | "audience" | "algorithms" | "requireAtJwt"
>;

type TlsValues = "tlsCertFile" | "tlsKeyFile" | "tlsClientCaFile" | "tlsMinVersion";

/** The settings as the service takes them, with those joined that mean something together only. */
export interface Config extends Omit<Values, Joined> {
  /** Absent: cleartext. */
  readonly tls: TlsFiles | undefined;
  /** Absent: the sandbox, with a key of its own in the data directory. */
  readonly authentication: AuthenticationConfig | undefined;
  /** Whether the console is served at `/`. */
  readonly console: boolean;
  /** Whether metrics, and traces, are exported by OTLP. */
  readonly otlpMetrics: boolean;
  readonly otlpTraces: boolean;
}

export interface AuthenticationConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly requireAtJwt: boolean;
  readonly keys: { readonly jwksUrl: URL } | { readonly publicKey: string };
}

/** What `npm start -- --help` prints. */
export function describeSettings(): string {
  const entries = Object.values(settings).map(({ name, type, default: fallback, text }) => {
    const absent = fallback === "" ? "" : `; default: ${fallback}`;
    return `  ${name} (${type}${absent})\n      ${text}\n`;
  });
  return [
    "Starts the partner service. Its settings are environment variables:\n",
    ...entries,
    "npm run migrate applies the migrations; npm run purge forgets deleted partners;",
    "npm run token prints a token for the sandbox.\n",
  ].join("\n");
}

/**
 * Reads the settings from the environment. An empty variable counts as absent.
 *
 * @throws StartError
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  // What each key holds its own setting has read.
  const values = Object.fromEntries(
    Object.entries<Setting<unknown>>(settings).map(([key, { name, read }]) => [
      key,
      read(environment[name] || undefined),
    ]),
  ) as Values;
  const { tlsCertFile, tlsKeyFile, tlsClientCaFile, tlsMinVersion, ...others } = values;
  const { jwksUrl, publicKey, issuer, audience, algorithms, requireAtJwt, ...another } = others;
  const { otelDisabled, otelMetricsExporter, otelTracesExporter, ...more } = another;
  const { otlpEndpoint, otlpMetricsEndpoint, otlpTracesEndpoint, ...rest } = more;
  const hasTelemetry = otelDisabled === "false";
  if (values.auditRequired && values.auditLog === "off") {
    throw new StartError("AUDIT_REQUIRED needs an audit trail: AUDIT_LOG must not be off.");
  }
  if (values.processes > 1 && values.databaseUrl === undefined) {
    throw new StartError(
      "PROCESSES needs PostgreSQL: set DATABASE_URL. PGlite, without it, is one process's.",
    );
  }
  const authentication = joinAuthentication(values);
  if (authentication === undefined && !isLoopback(values.host)) {
    throw new StartError(
      "HOST is not a loopback address: set JWT_JWKS_URL or JWT_PUBLIC_KEY_FILE. " +
        "The sandbox, which gives a token to anyone who can read its output, serves this machine only.",
    );
  }
  return Object.freeze({
    ...rest,
    tls: joinTls(values),
    authentication,
    console: values.console ?? authentication === undefined,
    metricsPort: hasTelemetry ? values.metricsPort : undefined,
    otlpMetrics:
      hasTelemetry && (otelMetricsExporter ?? (otlpMetricsEndpoint ?? otlpEndpoint) !== undefined),
    otlpTraces:
      hasTelemetry && (otelTracesExporter ?? (otlpTracesEndpoint ?? otlpEndpoint) !== undefined),
  });
}

function joinTls(values: Pick<Values, TlsValues>): Config["tls"] {
  const { tlsCertFile: certFile, tlsKeyFile: keyFile } = values;
  const { tlsClientCaFile: clientCaFile, tlsMinVersion: minVersion } = values;
  if (certFile === undefined && keyFile === undefined && clientCaFile === undefined) {
    return undefined;
  }
  if (certFile === undefined || keyFile === undefined) {
    throw new StartError(
      "TLS_CERT_FILE and TLS_KEY_FILE must be set together, and for TLS_CLIENT_CA_FILE.",
    );
  }
  const files = Object.freeze({ certFile, keyFile, clientCaFile, minVersion });
  try {
    checkTlsFiles(files);
  } catch (failure) {
    throw failure instanceof TlsFilesError
      ? new StartError(describeTlsFailure(failure), { cause: failure })
      : failure;
  }
  return files;
}

/** Names the setting whose file cannot be used, and why. */
export function describeTlsFailure({ file, message }: TlsFilesError): string {
  const { name } = {
    certFile: settings.tlsCertFile,
    keyFile: settings.tlsKeyFile,
    clientCaFile: settings.tlsClientCaFile,
  }[file];
  return `${name} ${message}.`;
}

function joinAuthentication(values: AuthenticationValues): AuthenticationConfig | undefined {
  const { jwksUrl, publicKey, issuer, audience, algorithms, requireAtJwt } = values;
  if (jwksUrl !== undefined && publicKey !== undefined) {
    throw new StartError("JWT_JWKS_URL and JWT_PUBLIC_KEY_FILE must not be set together.");
  }
  const keys = jwksUrl !== undefined ? { jwksUrl } : publicKey !== undefined ? { publicKey } : null;
  if (keys === null) {
    return undefined;
  }
  if (issuer === undefined || audience === undefined) {
    const name = issuer === undefined ? "JWT_ISSUER" : "JWT_AUDIENCE";
    throw new StartError(`${name} must be set once a key is configured.`);
  }
  Object.freeze(keys);
  return Object.freeze({ issuer, audience, algorithms, requireAtJwt, keys });
}

function readProcesses(text: string): number {
  const number = text === "auto" ? availableParallelism() : Number(text);
  if (!/^(?:\d+|auto)$/.test(text) || number < 1 || number > 256) {
    throw new StartError("PROCESSES must be a whole number from 1 to 256, or auto.");
  }
  return number;
}

function readExporter(name: string, value: string): boolean {
  if (value !== "otlp" && value !== "none") {
    throw new StartError(`${name} must be otlp or none.`);
  }
  return value === "otlp";
}

function readAddressRanges(text: string): readonly string[] {
  const ranges = splitList(text);
  if (!ranges.every(isAddressRange)) {
    throw new StartError("TRUSTED_PROXIES must be addresses or ranges: 10.0.0.0/8,2001:db8::1.");
  }
  return Object.freeze(ranges);
}

function readRateLimit(text: string): RateLimit {
  const [, callsPerSecond, burst] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const limit = { callsPerSecond: Number(callsPerSecond), burst: Number(burst) };
  if (!(limit.callsPerSecond >= 1 && limit.burst >= 1)) {
    throw new StartError(
      "RATE_LIMIT must be calls a second and a burst, of 1 to 999999 each: 50/100.",
    );
  }
  return Object.freeze(limit);
}

function readDatabaseUrl(text: string): string {
  const url = parseDatabaseUrl(text);
  if (url === null) {
    throw new StartError("DATABASE_URL must be a URL that begins with postgres://.");
  }
  const problem = findParameterProblem(text);
  if (problem !== undefined) {
    throw new StartError(`DATABASE_URL ${problem}.`);
  }
  for (const name of ["sslrootcert", "sslcert", "sslkey"]) {
    const path = url.searchParams.get(name);
    orStartError(`DATABASE_URL names a file as ${name} that cannot be read.`, () =>
      path === null ? undefined : readFileSync(path),
    );
  }
  return text;
}

function orStartError<T>(message: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new StartError(message, { cause });
  }
}

function readPageTokenSecret(text: string): string {
  if (text.length < 16) {
    throw new StartError("PAGE_TOKEN_SECRET must be 16 characters long at least.");
  }
  return text;
}

function readJwksUrl(text: string): URL {
  const url = URL.parse(text);
  const secure =
    url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (url === null || !secure || url.username !== "" || url.password !== "") {
    throw new StartError(
      "JWT_JWKS_URL must be an https URL (http only on a loopback address), without a password.",
    );
  }
  return url;
}

function readAlgorithms(text: string): readonly string[] {
  const names = splitList(text);
  if (names.length === 0 || names.some((name) => !asymmetricAlgorithms.includes(name))) {
    throw new StartError(`JWT_ALGORITHMS must list some of ${asymmetricAlgorithms.join(", ")}.`);
  }
  return Object.freeze(names);
}

function readOrigins(text: string): readonly string[] {
  const origins = splitList(text);
  if (!origins.every(isOrigin)) {
    throw new StartError(
      "CORS_ORIGINS must list whole origins such as https://app.example.com: no path, no *.",
    );
  }
  return Object.freeze(origins);
}

function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text && /^https?:\/\/[^*]+$/.test(text);
}

function readHeaderNames(text: string): readonly string[] {
  const names = splitList(text);
  // Tokens (RFC 9110, section 5.1), without the star, which in CORS means all but Authorization.
  if (!names.every((name) => /^[!#$%&'+.^_`|~\w-]+$/.test(name))) {
    throw new StartError("CORS_HEADERS must list names of headers such as X-Tenant: no *.");
  }
  return Object.freeze(names);
}
