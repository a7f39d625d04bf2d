import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import { createConfiguredKeys, createTokenVerifier } from "@partner-service/access-tokens";
import { createReadiness } from "@partner-service/health-reflection";
import { createOnePortServer } from "@partner-service/one-port-server";
import {
  createOrm,
  type DatabaseSettings,
  ping,
  query,
} from "@partner-service/postgres-statements";
import { createApp } from "../../src/app.ts";
import { createChanges } from "../../src/changes/changes.ts";
import { type Config, readConfig } from "../../src/config/config.ts";
import { schema } from "../../src/database/open-database.ts";
import { PartnerEntity } from "../../src/partners/partner-entity.ts";
import { createPartnerRepository } from "../../src/partners/partner-repository.ts";
import { createRoutes } from "../../src/routes.ts";
import { createTestDatabase, type DatabaseKind, type TestDatabase } from "./databases.ts";
import { createTokenIssuer, type TokenIssuer, tokenRules } from "./tokens.ts";

/** The whole service, listening on a free port, on a database of its own. */
export interface TestService {
  readonly url: string;
  readonly issuer: TokenIssuer;
  readonly databaseSettings: DatabaseSettings;
  /** The lines of the log, parsed. */
  readonly log: readonly Record<string, unknown>[];
  /** Starts the shutdown: the service is no longer ready. */
  drain(): void;
  /** Runs a statement on the database. */
  execute(sql: string): Promise<void>;
  /** Forgets partners that were deleted so many days ago, as an idle process does. */
  purge(retentionDays: number): Promise<number>;
  /** How many partners the database holds, of all organizations. */
  countPartners(): Promise<number>;
  /** What the database holds of a partner. */
  findPartner(organization: string, id: string): Promise<StoredPartner>;
  close(): Promise<void>;
}

interface StoredPartner {
  readonly createdAt: Pick<Timestamp, "seconds" | "nanos">;
}

/** Shared by all services of a process: to compile the rules takes longer than all else of a start. */
const validator = createValidator();

/** Starts the service on a new database of the kind, or on the given one, which it closes in the end. */
export async function startTestService(
  on: DatabaseKind | TestDatabase,
  { issuer: givenIssuer, ...settings }: Partial<Config & { readonly issuer: TokenIssuer }> = {},
): Promise<TestService> {
  const database = typeof on === "string" ? await createTestDatabase(on) : on;
  const orm = await createOrm(database.settings, schema);
  const issuer = givenIssuer ?? (await createTokenIssuer());
  const keys = createConfiguredKeys(JSON.stringify(issuer.publicKey), tokenRules.algorithms);
  const draining = new AbortController();
  const readiness = createReadiness(() => ping(orm), draining.signal);
  const partners = createPartnerRepository(orm);
  const config = { ...readConfig({}), ...settings };
  const routes = createRoutes(config, {
    verifyToken: createTokenVerifier(tokenRules, keys),
    validator,
    partners,
    changes: createChanges(orm),
    tokenSecret: "secret",
    readiness,
    ending: draining.signal,
  });
  const log: Record<string, unknown>[] = [];
  const app = await createApp(config, {
    log: { level: "info", stream: { write: (line) => log.push(JSON.parse(line)) } },
    readiness,
    // Nobody's call is to be saved when a test ends its service.
    port: createOnePortServer({ timeouts: { graceMs: 0 } }),
    validator,
    routes,
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    url,
    issuer,
    databaseSettings: database.settings,
    log,
    drain: () => draining.abort(),
    async execute(sql) {
      await query(orm, sql, []);
    },
    purge: (retentionDays) => partners.purge(retentionDays, draining.signal),
    async countPartners() {
      return await orm.em.fork().count(PartnerEntity);
    },
    async findPartner(organizationId, id) {
      const { createdAt } = await orm.em
        .fork()
        .findOneOrFail(PartnerEntity, { organizationId, id });
      const seconds = createdAt.epochNanoseconds / 1_000_000_000n;
      const nanos = Number(createdAt.epochNanoseconds % 1_000_000_000n);
      return { createdAt: { seconds, nanos } };
    },
    async close() {
      draining.abort();
      await app.close();
      await orm.close(true);
      await database.close();
    },
  };
}
