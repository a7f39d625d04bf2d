import { defaultTimeouts, portSettings } from "@partner-service/one-port-server";
import { telemetrySettings } from "@partner-service/rpc-telemetry";
import {
  any,
  file,
  oneOf,
  onOff,
  optional,
  type Settings,
  setting,
  whole,
} from "@partner-service/settings";
import {
  addressRanges,
  algorithms,
  asymmetricAlgorithms,
  databaseUrl,
  headerNames,
  jwksUrl,
  origins,
  processCount,
  rateLimit,
  secret,
} from "./setting-kinds.ts";

const milliseconds = whole(1, 3_600_000);

/**
 * Everything that can be set from outside, each by the environment variable that it names. What the
 * service reads, `npm start -- --help` and the table in the documents come from here. Those that are taken
 * together stand together.
 */
export const settings = {
  host: setting("HOST", any("text"), "127.0.0.1").for(
    "the address to listen on; the sandbox serves loopback ones only",
  ),
  port: setting("PORT", whole(0, 65_535), 8080).for(
    "one port for HTTP/1.1 and HTTP/2; 0 takes a free one",
  ),
  processes: setting("PROCESSES", processCount, 1).for(
    "how many processes serve the port (on PostgreSQL); auto: one for each core. Other limits are those of each",
  ),
  reusePort: setting("REUSE_PORT", onOff, "off").for(
    "on: several processes share the port, each with its own connections (Linux, FreeBSD; on PostgreSQL)",
  ),
  ...portSettings,
  databaseUrl: optional("DATABASE_URL", databaseUrl, "PGlite in DATA_DIR").for(
    "the PostgreSQL database, with parameters as pg takes them: `?sslmode=verify-full`; of several hosts, `a:5432,b:5432`, the one that takes writes",
  ),
  databaseWaitMs: setting("DATABASE_WAIT_MS", whole(0, 3_600_000), 30_000).for(
    "how long a start, and `npm run migrate`, wait for a PostgreSQL that is not there yet",
  ),
  pool: {
    poolSize: setting("DATABASE_POOL_SIZE", whole(2, 1000), 10).for(
      "the most connections to PostgreSQL; the server must have as many for each process",
    ),
    idleConnections: setting("DATABASE_IDLE_CONNECTIONS", whole(0, 1000), 3).for(
      "how many of them stay open while nobody calls",
    ),
    statementNames: optional("STATEMENT_NAMES", onOff, "on, but off behind a pooler").for(
      "whether the statements of most calls are prepared under a name, which a pooler may not keep",
    ),
  },
  pageTokenSecret: optional("PAGE_TOKEN_SECRET", secret, "DATABASE_URL").for(
    "what page tokens are sealed with, the same for all processes; for a DATABASE_URL without a password",
  ),
  deletedRetentionDays: setting("DELETED_RETENTION", whole(1, 36_500), 90).for(
    "for how many days it is remembered that a partner was deleted: that long its `request_id` is refused, and change tokens are good",
  ),
  dataDirectory: setting("DATA_DIR", any("text"), ".data").for(
    "the folder of the sandbox's database and key",
  ),
  authentication: {
    jwksUrl: optional("JWT_JWKS_URL", jwksUrl, "the sandbox's key").for(
      "where the issuer of access tokens publishes its keys",
    ),
    publicKey: optional("JWT_PUBLIC_KEY_FILE", file("PEM or JWK file")).for(
      "in its place: the one key of the issuer",
    ),
    issuer: optional("JWT_ISSUER", any("text")).for("the `iss` of tokens; required with a key"),
    audience: optional("JWT_AUDIENCE", any("text")).for("their `aud`; required with a key"),
    algorithms: setting("JWT_ALGORITHMS", algorithms, "RS256,PS256,ES256,EdDSA").for(
      `what they may be signed with, of ${asymmetricAlgorithms.join(", ")}`,
    ),
    requireAtJwt: setting("JWT_REQUIRE_AT_JWT", onOff, "off").for(
      "on: tokens whose `typ` is not `at+jwt` (RFC 9068) are refused; off: `JWT` or none will do",
    ),
  },
  organizationClaim: setting("JWT_ORGANIZATION_CLAIM", any("text"), "org_id").for(
    "the claim with the caller's organization, or a list of them",
  ),
  corsOrigins: setting("CORS_ORIGINS", origins, "").for(
    "the origins whose pages may call: `https://app.example.com`",
  ),
  corsHeaders: setting("CORS_HEADERS", headerNames, "").for(
    "what those pages may send beside the service's own headers and those of W3C traces and baggage",
  ),
  console: optional("CONSOLE", onOff, "on in the sandbox, else off").for(
    "whether the console is served at `/`; outside the sandbox a person pastes a token",
  ),
  readMaxBytes: setting("READ_MAX_BYTES", whole(1, 64 * 1024 * 1024), 65_536).for(
    "the largest message, on the wire and decompressed; a batch has its own bound, 2 MiB",
  ),
  maxTimeoutMs: setting("MAX_TIMEOUT_MS", milliseconds, 30_000).for(
    "the longest timeout a caller may ask for; longer ones are cut to it",
  ),
  jsonUnknownFields: setting("JSON_UNKNOWN_FIELDS", oneOf("refuse", "ignore"), "refuse").for(
    "what becomes of fields and enum values in JSON whose names the contract does not know",
  ),
  maxStreams: setting("MAX_STREAMS", whole(2, 65_536), 256).for(
    "how many streaming calls may be open at once; a quarter of them for one requester, half from one address, 16 on one connection",
  ),
  maxCallsPerRequester: setting("MAX_CALLS_PER_REQUESTER", whole(1, 1_000_000), 256).for(
    "how many calls of one requester, without its streams, may be under way at once; further ones wait for a second at most",
  ),
  rateLimit: optional("RATE_LIMIT", rateLimit, "no limit").for(
    "how often each requester may call this process, and how many calls may come at once: `50/100`",
  ),
  unaryLane: setting("UNARY_LANE", onOff, "on").for(
    "off: every call goes through Connect's Fastify plugin; slower, with the same answers",
  ),
  shutdownDelayMs: setting("SHUTDOWN_DELAY_MS", whole(0, 3_600_000), 0).for(
    "how long SIGTERM leaves the service as it is, but not ready: what a load balancer needs to notice",
  ),
  shutdownTimeoutMs: setting("SHUTDOWN_TIMEOUT_MS", milliseconds, 10_000).for(
    "how long SIGTERM then waits for calls in flight",
  ),
  shutdownGraceMs: setting("SHUTDOWN_GRACE_MS", whole(0, 3_600_000), defaultTimeouts.graceMs).for(
    "how long, of this, what still comes on open connections is served, before those without calls are closed",
  ),
  ...telemetrySettings,
  auditLog: setting("AUDIT_LOG", any("off, stdout or a file"), "stdout").for(
    "where the audit trail goes: between the lines of the log, or into a file, which is opened anew on SIGHUP",
  ),
  auditRequired: setting("AUDIT_REQUIRED", onOff, "off").for(
    "on: no change is made, or acknowledged, while the audit trail cannot be written",
  ),
  trustedProxies: setting("TRUSTED_PROXIES", addressRanges, "").for(
    "the proxies whose `X-Forwarded-For` tells the address of the caller in the audit trail: `10.0.0.0/8`",
  ),
  logLevel: setting(
    "LOG_LEVEL",
    oneOf("fatal", "error", "warn", "info", "debug", "trace", "silent"),
    "info",
  ).for("the least severe lines that are logged"),
} as const satisfies Settings;
