import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { parseDatabaseUrl } from "./database/database-url.ts";
import { isLoopback } from "./loopback.ts";
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
  reusePort: onOff(
    "REUSE_PORT",
    "off",
    "on: several processes share the port, each with its own connections (Linux, FreeBSD; on PostgreSQL)",
  ),
  tlsCertFile: file(
    "TLS_CERT_FILE",
    "PEM file",
    "cleartext",
    "the certificate and its chain: the same port over TLS, ALPN h2 and http/1.1",
  ),
  tlsKeyFile: file("TLS_KEY_FILE", "PEM file", "", "the certificate's private key"),
  databaseUrl: optional(
    "DATABASE_URL",
    "postgres://…",
    "PGlite in DATA_DIR",
    "the PostgreSQL database, with parameters as pg takes them: `?sslmode=verify-full`",
    readDatabaseUrl,
  ),
  databaseWaitMs: integer(
    "DATABASE_WAIT_MS",
    30_000,
    [0, hour],
    "how long a start, and `npm run migrate`, wait for a PostgreSQL that is not there yet",
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
    "how many streaming calls may be open at once; half of them from one address, 16 on one connection",
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

type Joined = "tlsCertFile" | "tlsKeyFile" | keyof AuthenticationValues | "console";
type AuthenticationValues = Pick<
  Values,
  "jwksUrl" | "publicKey" | "issuer" | "audience" | "algorithms" | "requireAtJwt"
>;

/** The settings as the service takes them, with those joined that mean something together only. */
export interface Config extends Omit<Values, Joined> {
  /** PEM texts. Absent: cleartext. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Absent: the sandbox, with a key of its own in the data directory. */
  readonly authentication: AuthenticationConfig | undefined;
  /** Whether the console is served at `/`. */
  readonly console: boolean;
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
    "npm run migrate applies the migrations; npm run token prints a token for the sandbox.\n",
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
  const { tlsCertFile, tlsKeyFile, ...others } = values;
  const { jwksUrl, publicKey, issuer, audience, algorithms, requireAtJwt, ...rest } = others;
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
  });
}

function joinTls({ tlsCertFile: cert, tlsKeyFile: key }: Values): Config["tls"] {
  if (cert === undefined && key === undefined) {
    return undefined;
  }
  if (cert === undefined || key === undefined) {
    throw new StartError("TLS_CERT_FILE and TLS_KEY_FILE must be set together.");
  }
  checkTls(cert, key);
  return Object.freeze({ cert, key });
}

function checkTls(cert: string, key: string): void {
  const certificate = orStartError("TLS_CERT_FILE must hold a certificate as PEM.", () => {
    return new X509Certificate(cert);
  });
  const privateKey = orStartError(
    "TLS_KEY_FILE must hold a private key as PEM, without a password.",
    () => createPrivateKey(key),
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new StartError("TLS_KEY_FILE is not the key of the first certificate in TLS_CERT_FILE.");
  }
  orStartError("TLS_CERT_FILE and TLS_KEY_FILE cannot be used: the key may be too short.", () =>
    createSecureContext({ cert, key }),
  );
}

function orStartError<T>(message: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new StartError(message, { cause });
  }
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

function readDatabaseUrl(text: string): string {
  const url = parseDatabaseUrl(text);
  if (url === null) {
    throw new StartError("DATABASE_URL must be a URL that begins with postgres://.");
  }
  for (const name of ["sslrootcert", "sslcert", "sslkey"]) {
    const path = url.searchParams.get(name);
    orStartError(`DATABASE_URL names a file as ${name} that cannot be read.`, () =>
      path === null ? undefined : readFileSync(path),
    );
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
