import { readFileSync } from "node:fs";
import { isIP } from "node:net";

/** Everything that can be set from outside, read once at start. */
export interface Config {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Whether other processes may listen on the port as well, which then share its connections. */
  readonly reusePort: boolean;
  /** PEM texts. Absent: cleartext. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Absent: an embedded PostgreSQL (PGlite) in the data directory. */
  readonly databaseUrl: string | undefined;
  readonly dataDirectory: string;
  /** Absent: the sandbox, with a key of its own in the data directory. */
  readonly authentication: AuthenticationConfig | undefined;
  readonly organizationClaim: string;
  readonly corsOrigins: readonly string[];
  /** Whether the console is served at `/`. */
  readonly console: boolean;
  /** Bound of a message, on the wire and decompressed. */
  readonly readMaxBytes: number;
  /** Bound of the timeouts that callers may ask for. */
  readonly maxTimeoutMs: number;
  /** Whether unary calls go through the lane of their own (packages/unary-lane). */
  readonly unaryLane: boolean;
  readonly shutdownTimeoutMs: number;
  readonly logLevel: string;
}

export interface AuthenticationConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly keys: { readonly jwksUrl: URL } | { readonly publicKey: string };
}

/** A setting is missing or bad. The message names its variable and never repeats its value. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** The algorithms that may be allowed: asymmetric ones (RFC 8725, section 3.2). */
const asymmetricAlgorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings from the environment. An empty variable counts as absent.
 *
 * @throws ConfigError
 */
export function readConfig(environment: Environment): Config {
  const text = (name: string) => environment[name] || undefined;
  const authentication = readAuthentication(environment);
  const config: Config = {
    host: text("HOST") ?? "127.0.0.1",
    port: readInteger(environment, "PORT", 8080, 0, 65_535),
    reusePort: readSwitch(environment, "REUSE_PORT", false),
    tls: readTls(environment),
    databaseUrl: readDatabaseUrl(environment),
    dataDirectory: text("DATA_DIR") ?? ".data",
    authentication,
    organizationClaim: text("JWT_ORGANIZATION_CLAIM") ?? "org_id",
    corsOrigins: readCorsOrigins(environment),
    console: readSwitch(environment, "CONSOLE", authentication === undefined),
    readMaxBytes: readInteger(environment, "READ_MAX_BYTES", 65_536, 1, 64 * 1024 * 1024),
    maxTimeoutMs: readInteger(environment, "MAX_TIMEOUT_MS", 30_000, 1, 3_600_000),
    unaryLane: readSwitch(environment, "UNARY_LANE", true),
    shutdownTimeoutMs: readInteger(environment, "SHUTDOWN_TIMEOUT_MS", 10_000, 1, 3_600_000),
    logLevel: readLogLevel(environment),
  };
  if (config.authentication === undefined && !isLoopback(config.host)) {
    throw new ConfigError(
      "HOST is not a loopback address: set JWT_JWKS_URL or JWT_PUBLIC_KEY_FILE. " +
        "The sandbox, which gives a token to anyone who can read its output, serves this machine only.",
    );
  }
  return Object.freeze(config);
}

/** Whether a host name or address is this machine's own. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function readInteger(
  environment: Environment,
  name: string,
  fallback: number,
  min: number,
  max: number,
): number {
  const text = environment[name] || String(fallback);
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new ConfigError(`${name} must be a whole number from ${min} to ${max}.`);
  }
  return value;
}

function readSwitch(environment: Environment, name: string, fallback: boolean): boolean {
  const text = environment[name] || (fallback ? "on" : "off");
  if (text !== "on" && text !== "off") {
    throw new ConfigError(`${name} must be on or off.`);
  }
  return text === "on";
}

function readTls(environment: Environment): Config["tls"] {
  const certFile = environment.TLS_CERT_FILE || undefined;
  const keyFile = environment.TLS_KEY_FILE || undefined;
  if (certFile === undefined && keyFile === undefined) {
    return undefined;
  }
  if (certFile === undefined || keyFile === undefined) {
    throw new ConfigError("TLS_CERT_FILE and TLS_KEY_FILE must be set together.");
  }
  return { cert: readFile("TLS_CERT_FILE", certFile), key: readFile("TLS_KEY_FILE", keyFile) };
}

function readFile(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`${name} names a file that cannot be read.`, { cause });
  }
}

function readDatabaseUrl(environment: Environment): string | undefined {
  const url = environment.DATABASE_URL || undefined;
  if (url !== undefined && !/^postgres(ql)?:$/.test(URL.parse(url)?.protocol ?? "")) {
    throw new ConfigError("DATABASE_URL must be a URL that begins with postgres://.");
  }
  return url;
}

function readAuthentication(environment: Environment): AuthenticationConfig | undefined {
  const jwksUrl = environment.JWT_JWKS_URL || undefined;
  const publicKeyFile = environment.JWT_PUBLIC_KEY_FILE || undefined;
  if (jwksUrl === undefined && publicKeyFile === undefined) {
    return undefined;
  }
  if (jwksUrl !== undefined && publicKeyFile !== undefined) {
    throw new ConfigError("JWT_JWKS_URL and JWT_PUBLIC_KEY_FILE must not be set together.");
  }
  return {
    issuer: requireText(environment, "JWT_ISSUER"),
    audience: requireText(environment, "JWT_AUDIENCE"),
    algorithms: readAlgorithms(environment),
    keys:
      publicKeyFile === undefined
        ? { jwksUrl: readJwksUrl(jwksUrl) }
        : { publicKey: readFile("JWT_PUBLIC_KEY_FILE", publicKeyFile) },
  };
}

function requireText(environment: Environment, name: string): string {
  const value = environment[name];
  if (value === undefined || value === "") {
    throw new ConfigError(`${name} must be set once a key is configured.`);
  }
  return value;
}

function readJwksUrl(text: string | undefined): URL {
  const url = URL.parse(text ?? "");
  const secure = url?.protocol === "https:" || (url !== null && isLoopback(url.hostname));
  if (url === null || !secure) {
    throw new ConfigError("JWT_JWKS_URL must be an https URL (http only on a loopback address).");
  }
  return url;
}

function readAlgorithms(environment: Environment): readonly string[] {
  const names = readList(environment.JWT_ALGORITHMS || "RS256,PS256,ES256,EdDSA");
  if (names.length === 0 || names.some((name) => !asymmetricAlgorithms.includes(name))) {
    throw new ConfigError(`JWT_ALGORITHMS must list some of ${asymmetricAlgorithms.join(", ")}.`);
  }
  return names;
}

function readCorsOrigins(environment: Environment): readonly string[] {
  const origins = readList(environment.CORS_ORIGINS ?? "");
  if (origins.some((origin) => URL.parse(origin)?.origin !== origin)) {
    throw new ConfigError(
      "CORS_ORIGINS must list origins such as https://app.example.com, without a path.",
    );
  }
  return origins;
}

function readLogLevel(environment: Environment): string {
  const level = environment.LOG_LEVEL || "info";
  if (!logLevels.includes(level)) {
    throw new ConfigError(`LOG_LEVEL must be one of ${logLevels.join(", ")}.`);
  }
  return level;
}

function readList(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
