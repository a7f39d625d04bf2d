import { createValidator } from "@bufbuild/protovalidate";
import type { FastifyInstance } from "fastify";
import { createApp, type LogOptions } from "./app.ts";
import { createPublishedKeys } from "./authentication/published-keys.ts";
import { createTokenVerifier, type TokenVerifier } from "./authentication/token-verifier.ts";
import {
  createConfiguredKeys,
  UnusableKeyError,
  type VerificationKeys,
} from "./authentication/verification-keys.ts";
import type { AuthenticationConfig, Config } from "./config.ts";
import { mountConsole } from "./console-routes.ts";
import { DatabaseUnavailableError } from "./database/failures.ts";
import { createOrm, migrate, type Orm, pendingMigrations, ping } from "./database/orm.ts";
import { createPartnerRepository, type PartnerRepository } from "./partners/partner-repository.ts";
import { createReadiness } from "./readiness.ts";
import { createRoutes, type RouteDependencies } from "./routes.ts";
import { openSandboxKey, type SandboxKey } from "./sandbox/sandbox-key.ts";
import { sandboxTokenRules } from "./sandbox/sandbox-token.ts";
import { mountSandboxTokens } from "./sandbox/token-route.ts";
import { schema } from "./schema.ts";
import { ConfigError } from "./setting.ts";

/** A service that listens. */
export interface Service {
  /** Where it is reached: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly app: FastifyInstance;
  /** The key that makes tokens, where the service runs as a sandbox. */
  readonly sandboxKey: SandboxKey | undefined;
  /**
   * Stops accepting, lets the calls in flight finish and closes the database. Calls that are still
   * there after `shutdownTimeoutMs` are cut off; the answer is then false.
   */
  stop(): Promise<boolean>;
}

/**
 * Opens the database, starts listening and returns the running service.
 *
 * @throws ConfigError when the configuration does not fit what is there: a key that cannot be used,
 * a database that lacks migrations.
 */
export async function startService(config: Config, log: LogOptions): Promise<Service> {
  const { authentication, dataDirectory, databaseUrl } = config;
  const sandboxKey = authentication === undefined ? await openSandboxKey(dataDirectory) : undefined;
  const verifyToken = createVerifier(config, sandboxKey);
  const orm = await createOrm(
    databaseUrl === undefined ? { dataDirectory: `${dataDirectory}/database` } : { databaseUrl },
    schema,
  );
  try {
    const partners = createPartnerRepository(orm);
    const draining = new AbortController();
    const readiness = createReadiness(() => ping(orm), draining.signal);
    // While the database answers, the app is built.
    const [, app] = await Promise.all([
      prepareDatabase(orm, partners, databaseUrl === undefined),
      buildApp(config, log, { verifyToken, partners, readiness, maxStreams: config.maxStreams }),
    ]);
    if (config.console) {
      mountConsole(app, { sandbox: sandboxKey !== undefined });
      if (sandboxKey !== undefined) {
        mountSandboxTokens(app, sandboxKey, sandboxTokenRules(config.organizationClaim));
      }
    }
    const { host, port, reusePort } = config;
    // Fastify hands its options on to Node, this one too, which its types lack.
    const address = { host, port, reusePort };
    const url = await app.listen(address);
    return {
      url,
      app,
      sandboxKey,
      async stop() {
        draining.abort();
        const clean = await closeWithin(app, config.shutdownTimeoutMs);
        await orm.close(true);
        return clean;
      },
    };
  } catch (failure) {
    await orm.close(true);
    throw failure;
  }
}

async function buildApp(
  config: Config,
  log: LogOptions,
  dependencies: Omit<RouteDependencies, "validator">,
): Promise<FastifyInstance> {
  const routes = createRoutes({ ...dependencies, validator: createValidator() });
  return await createApp(config, { log, readiness: dependencies.readiness, routes });
}

/** Migrates a database that is the service's own; any other must have been migrated. */
async function prepareDatabase(
  orm: Orm,
  partners: PartnerRepository,
  isOwn: boolean,
): Promise<void> {
  if (isOwn) {
    await migrate(orm);
  } else if ((await pendingMigrations(orm)).length > 0) {
    throw new ConfigError(
      "The database lacks migrations: run `npm run migrate` with the same DATABASE_URL.",
    );
  }
  try {
    await partners.warmUp();
  } catch (failure) {
    // A database that cannot write for the moment does not stop the start: the readiness tells.
    if (!(failure instanceof DatabaseUnavailableError)) {
      throw failure;
    }
  }
}

function createVerifier(config: Config, sandboxKey: SandboxKey | undefined): TokenVerifier {
  const { authentication, organizationClaim } = config;
  if (authentication !== undefined) {
    const rules = { ...authentication, organizationClaim };
    return createTokenVerifier(rules, openKeys(authentication));
  }
  if (sandboxKey === undefined) {
    throw new Error("There is neither a configured key nor a sandbox key.");
  }
  const rules = sandboxTokenRules(organizationClaim);
  return createTokenVerifier(rules, createConfiguredKeys(sandboxKey.publicKey, rules.algorithms));
}

function openKeys({ keys, algorithms }: AuthenticationConfig): VerificationKeys {
  if ("jwksUrl" in keys) {
    return createPublishedKeys(keys.jwksUrl, algorithms);
  }
  try {
    return createConfiguredKeys(keys.publicKey, algorithms);
  } catch (cause) {
    if (!(cause instanceof UnusableKeyError)) {
      throw cause;
    }
    throw new ConfigError(
      `JWT_PUBLIC_KEY_FILE must hold one public key, as a PEM or a JWK: ${cause.message}.`,
      { cause },
    );
  }
}

/** Closes the app; after the timeout it cuts off what is left. Returns whether nothing was cut off. */
async function closeWithin(app: FastifyInstance, timeoutMs: number): Promise<boolean> {
  let clean = true;
  const timer = setTimeout(() => {
    clean = false;
    app.server.closeAllConnections();
  }, timeoutMs);
  await app.close();
  clearTimeout(timer);
  return clean;
}
