import type { TokenRules } from "@partner-service/access-tokens";
import { findTlsFiles, isLoopback, type TlsFiles } from "@partner-service/one-port-server";
import { findOtlpExports } from "@partner-service/rpc-telemetry";
import { readSettings, StartError, type Values } from "@partner-service/settings";
import { settings } from "./settings.ts";

type Given = Values<typeof settings>;

/** The settings as the service takes them, with those joined that mean something together only. */
export interface Config extends Omit<Given, "tls" | "authentication" | "otel"> {
  /** Absent: cleartext. */
  readonly tls: TlsFiles | undefined;
  /** Absent: the sandbox, with a key of its own in the data directory. */
  readonly authentication: AuthenticationConfig | undefined;
  readonly console: boolean;
  /** Whether metrics, and traces, are exported by OTLP. */
  readonly otlpMetrics: boolean;
  readonly otlpTraces: boolean;
}

export interface AuthenticationConfig extends Omit<TokenRules<never>, "readCaller"> {
  readonly keys: { readonly jwksUrl: URL } | { readonly publicKey: string };
}

/**
 * Reads the settings from the environment. An empty variable counts as absent.
 *
 * @throws StartError
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const { otel, ...given } = readSettings(settings, environment);
  if (given.auditRequired && given.auditLog === "off") {
    throw new StartError("AUDIT_REQUIRED needs an audit trail: AUDIT_LOG must not be off.");
  }
  if (given.processes > 1 && given.databaseUrl === undefined) {
    throw new StartError(
      "PROCESSES needs PostgreSQL: set DATABASE_URL. PGlite, without it, is one process's.",
    );
  }
  const authentication = joinAuthentication(given.authentication);
  if (authentication === undefined && !isLoopback(given.host)) {
    throw new StartError(
      "HOST is not a loopback address: set JWT_JWKS_URL or JWT_PUBLIC_KEY_FILE. " +
        "The sandbox, which gives a token to anyone who can read its output, serves this machine only.",
    );
  }
  return Object.freeze({
    ...given,
    tls: findTlsFiles(given.tls),
    authentication,
    console: given.console ?? authentication === undefined,
    ...findOtlpExports(otel),
    metricsPort: otel.disabled === "false" ? given.metricsPort : undefined,
  });
}

function joinAuthentication({
  jwksUrl,
  publicKey,
  ...given
}: Given["authentication"]): AuthenticationConfig | undefined {
  const { issuer, audience } = given;
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
  return Object.freeze({ ...given, issuer, audience, keys: Object.freeze(keys) });
}
