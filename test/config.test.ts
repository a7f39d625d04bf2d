import { describe, expect, test } from "vitest";
import { type Config, ConfigError, readConfig } from "../src/config.ts";

const defaults: Config = {
  host: "127.0.0.1",
  port: 8080,
  reusePort: false,
  tls: undefined,
  databaseUrl: undefined,
  dataDirectory: ".data",
  authentication: undefined,
  organizationClaim: "org_id",
  corsOrigins: [],
  console: true,
  readMaxBytes: 65_536,
  maxTimeoutMs: 30_000,
  unaryLane: true,
  shutdownTimeoutMs: 10_000,
  logLevel: "info",
};

describe("settings", () => {
  test("have defaults, and an empty variable counts as absent", () => {
    expect(readConfig({})).toEqual(defaults);
    expect(readConfig({ PORT: "", DATABASE_URL: "", JWT_JWKS_URL: "" })).toEqual(defaults);
  });

  test("cannot be changed once read", () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true);
  });

  test("are read from their variables", () => {
    const config = readConfig({
      HOST: "0.0.0.0",
      PORT: "0",
      REUSE_PORT: "on",
      DATABASE_URL: "postgres://localhost/partners",
      DATA_DIR: "/var/lib/partners",
      JWT_JWKS_URL: "https://issuer.example.com/jwks",
      JWT_ISSUER: "https://issuer.example.com",
      JWT_AUDIENCE: "partners",
      JWT_ALGORITHMS: "ES256, EdDSA",
      JWT_ORGANIZATION_CLAIM: "organizations",
      CORS_ORIGINS: "https://a.example.com, https://b.example.com:8443",
      READ_MAX_BYTES: "1024",
      MAX_TIMEOUT_MS: "1000",
      UNARY_LANE: "off",
      SHUTDOWN_TIMEOUT_MS: "2000",
      LOG_LEVEL: "debug",
    });
    expect(config).toEqual({
      host: "0.0.0.0",
      port: 0,
      reusePort: true,
      tls: undefined,
      databaseUrl: "postgres://localhost/partners",
      dataDirectory: "/var/lib/partners",
      authentication: {
        issuer: "https://issuer.example.com",
        audience: "partners",
        algorithms: ["ES256", "EdDSA"],
        keys: { jwksUrl: new URL("https://issuer.example.com/jwks") },
      },
      organizationClaim: "organizations",
      console: false,
      corsOrigins: ["https://a.example.com", "https://b.example.com:8443"],
      readMaxBytes: 1024,
      maxTimeoutMs: 1000,
      unaryLane: false,
      shutdownTimeoutMs: 2000,
      logLevel: "debug",
    });
  });

  const issuer = { JWT_ISSUER: "https://issuer.example.com", JWT_AUDIENCE: "partners" };
  const jwks = { JWT_JWKS_URL: "https://issuer.example.com/jwks" };
  test.each<[string, Record<string, string>]>([
    ["PORT", { PORT: "http" }],
    ["PORT", { PORT: "65536" }],
    ["PORT", { PORT: "1e3" }],
    ["READ_MAX_BYTES", { READ_MAX_BYTES: "0" }],
    ["MAX_TIMEOUT_MS", { MAX_TIMEOUT_MS: "-1" }],
    ["SHUTDOWN_TIMEOUT_MS", { SHUTDOWN_TIMEOUT_MS: "1.5" }],
    ["UNARY_LANE", { UNARY_LANE: "fast" }],
    ["REUSE_PORT", { REUSE_PORT: "yes" }],
    ["CONSOLE", { CONSOLE: "yes" }],
    ["LOG_LEVEL", { LOG_LEVEL: "loud" }],
    ["DATABASE_URL", { DATABASE_URL: "mysql://localhost/partners" }],
    ["TLS_KEY_FILE", { TLS_CERT_FILE: "test/support/tls/certificate.pem" }],
    ["TLS_CERT_FILE", { TLS_CERT_FILE: "nowhere.pem", TLS_KEY_FILE: "nowhere.pem" }],
    ["HOST", { HOST: "0.0.0.0" }],
    ["HOST", { HOST: "partners.example.com" }],
    ["CORS_ORIGINS", { CORS_ORIGINS: "*" }],
    ["CORS_ORIGINS", { CORS_ORIGINS: "https://a.example.com/path" }],
    ["JWT_ISSUER", { ...jwks, JWT_AUDIENCE: "partners" }],
    ["JWT_AUDIENCE", { ...jwks, JWT_ISSUER: "https://issuer.example.com" }],
    ["JWT_JWKS_URL", { ...issuer, JWT_JWKS_URL: "http://issuer.example.com/jwks" }],
    ["JWT_JWKS_URL", { ...issuer, ...jwks, JWT_PUBLIC_KEY_FILE: "key.pem" }],
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
    expect(failure).toBeInstanceOf(ConfigError);
    expect(String(failure)).toContain(name);
  });
});
