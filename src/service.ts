import { randomBytes } from "node:crypto";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { createValidator } from "@bufbuild/protovalidate";
import { createTokenVerifier } from "@partner-service/access-tokens";
import { createReadiness, type Readiness } from "@partner-service/health-reflection";
import { createLeveledLog, type LogLines, openLogLines } from "@partner-service/log-lines";
import { describeTlsFailure } from "@partner-service/one-port-server";
import {
  countConnections,
  DatabaseUnavailableError,
  logDatabase,
  ping,
} from "@partner-service/postgres-statements";
import { createApp, type LogOptions } from "./app.ts";
import { createChanges } from "./changes/changes.ts";
import type { Config } from "./config/config.ts";
import { openKeys } from "./config/open-keys.ts";
import { useDataDirectory } from "./database/data-directory.ts";
import { openDatabase, prepareDatabase, whenDatabaseAnswers } from "./database/open-database.ts";
import { mountConsole } from "./http/console-routes.ts";
import { closeWithin, createPort, listen } from "./http/port.ts";
import { callerReader } from "./interceptors/authentication.ts";
import { createAudit } from "./observability/audit.ts";
import { openAuditLog } from "./observability/audit-log.ts";
import { startTelemetry } from "./observability/telemetry.ts";
import { createPartnerRepository, type PartnerRepository } from "./partners/partner-repository.ts";
import { purgeWhileIdle } from "./processes/purging.ts";
import { createRoutes, services } from "./routes.ts";
import { openSandbox } from "./sandbox/sandbox.ts";
import { mountSandbox } from "./sandbox/sandbox-routes.ts";

export type Service = Awaited<ReturnType<typeof startService>>;

interface ServiceLog extends Pick<LogOptions, "level"> {
  /** Where its lines go, and between them those of the audit trail; absent: stdout. */
  readonly stream?: Pick<LogLines, "write" | "append">;
}

/** What a process is among others that serve the same port. */
export interface Membership {
  /** Makes, of whether this process is ready, whether all are. */
  joinReadiness(own: Readiness): Readiness;
  /** Is told when all calls of this process are counted. */
  counted(): Promise<void>;
}

/**
 * Opens the database, starts listening and returns the running service.
 *
 * @throws StartError
 */
export async function startService(
  config: Config,
  { level, stream = openLogLines(process.stdout) }: ServiceLog,
  membership?: Membership,
) {
  // What is about no call: it may come before there is an app, whose log is Fastify's.
  const log = createLeveledLog(level, stream);
  const { dataDirectory, organizationClaim } = config;
  const sandbox =
    config.authentication === undefined
      ? await useDataDirectory(dataDirectory, () => openSandbox(dataDirectory, organizationClaim))
      : undefined;
  const authentication = config.authentication ?? sandbox?.authentication;
  if (authentication === undefined) {
    throw new Error("There is neither a configured key nor a sandbox.");
  }
  const rules = { ...authentication, readCaller: callerReader(organizationClaim) };
  const verifyToken = createTokenVerifier(rules, openKeys(authentication));
  const orm = await openDatabase(config);
  try {
    const partners = createPartnerRepository(orm);
    // All processes on one database read each other's tokens. PGlite has this process alone.
    const tokenSecret = config.pageTokenSecret ?? config.databaseUrl ?? randomBytes(32);
    const [draining, leaving] = [new AbortController(), new AbortController()];
    const ending = AbortSignal.any([draining.signal, leaving.signal]);
    const auditLog = openAuditLog(config, stream, log);
    const audit = auditLog && createAudit(auditLog, services, config);
    const own = createReadiness(async () => {
      // Where no change is made without its event, the service can serve what is left.
      if (!config.auditRequired && auditLog?.failure() !== undefined) {
        throw new Error("The audit trail is not written.");
      }
      await ping(orm);
    }, draining.signal);
    const readiness = membership?.joinReadiness(own) ?? own;
    const port = createPort(config, (failure) => {
      if (failure === undefined) {
        log.info({}, "TLS files taken up");
      } else {
        log.error({}, `${describeTlsFailure(failure)} The last ones stay.`);
      }
    });
    const telemetry = await startTelemetry(
      config,
      {
        port: port.stats,
        certificateExpiresAt: port.certificateExpiresAt,
        pool: () => countConnections(orm),
        waitingCalls: partners.waitingCalls,
      },
      (reason) => log.warn({ reason }, "telemetry"),
    );
    const observers = [...telemetry.observers, ...(audit === undefined ? [] : [audit.observer])];
    const tellWaiting = (reason: string) => log.warn({ reason }, "waiting for the database");
    const prepared = prepareDatabase(orm, config, tellWaiting).then(() =>
      whenDatabaseAnswers(() => warmUp(partners), config, tellWaiting),
    );
    // While the database answers, the app is built.
    const validator = createValidator();
    const routes = createRoutes(config, {
      changes: createChanges(orm),
      ...{ verifyToken, validator, partners, tokenSecret, readiness, ending, audit },
      troubleSwitch: sandbox?.troubleSwitch,
    });
    const [app] = await Promise.all([
      createApp(config, {
        log: { level, stream },
        ...{ readiness, port, validator, observers, routes },
      }),
      prepared,
    ]);
    const endDatabaseLog = logDatabase(log);
    orm.clock.tell();
    if (config.console) {
      mountConsole(app, { sandbox: sandbox !== undefined });
      if (sandbox !== undefined) {
        mountSandbox(app, sandbox);
      }
    }
    const url = await listen(app, config);
    const purging = purgeWhileIdle(partners, config.deletedRetentionDays, log, ending);

    async function end(): Promise<boolean> {
      const clean = await closeWithin(app, config.shutdownTimeoutMs);
      await membership?.counted();
      endDatabaseLog();
      await telemetry.close();
      await purging;
      await orm.close(true);
      // What waited for the database has come to its end, and leaves its event.
      await turn();
      const lost = auditLog?.close() ?? 0;
      if (lost > 0) {
        log.error({ lost }, "audit events lost");
      }
      return clean;
    }

    return {
      /** Where it is reached: `http://127.0.0.1:8080`. */
      url,
      app,
      /** What makes tokens, where no key is configured. */
      sandbox,
      /** Where Prometheus finds the metrics; undefined where it does not. */
      metricsUrl: telemetry.metricsUrl,
      /** Takes up the TLS files, and opens the file of the audit trail anew. */
      reload(): void {
        port.reloadTls();
        auditLog?.reopen();
      },
      /**
       * Stops: not ready from now on, it goes on for `shutdownDelayMs`, then accepts no more, lets the
       * calls in flight finish and closes the database. Calls that are still there after
       * `shutdownTimeoutMs` are cut off; the answer is then false.
       */
      async stop(): Promise<boolean> {
        draining.abort();
        await delay(config.shutdownDelayMs);
        return await end();
      },
      /** As `stop`, but stays ready and waits for nothing: others have its place. */
      leave(): Promise<boolean> {
        leaving.abort();
        return end();
      },
    };
  } catch (failure) {
    await orm.close(true);
    throw failure;
  }
}

async function warmUp(partners: PartnerRepository): Promise<void> {
  try {
    await partners.warmUp();
  } catch (failure) {
    // A database that cannot write for the moment does not stop the start: the readiness tells.
    if (!(failure instanceof DatabaseUnavailableError)) {
      throw failure;
    }
  }
}
