import { createOrm, type Orm } from "@partner-service/postgres-statements";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ErrorReason, ErrorReasonSchema } from "../gen/partner/v1/error_pb.ts";
import { schema } from "../src/database/open-database.ts";
import {
  createPartnerRepository,
  type PartnerRepository,
} from "../src/partners/partner-repository.ts";
import {
  createPostgresDatabase,
  createTestDatabase,
  databaseKinds,
  type TestDatabase,
} from "./support/databases.ts";
import { newPartner } from "./support/partners.ts";
import { createTcpProxy } from "./support/tcp-proxy.ts";

const { signal } = new AbortController();
const asker = { key: "somebody", signal };

/** What the calls came to: how often each reason, and how many succeeded. */
function count(outcomes: readonly PromiseSettledResult<unknown>[]): Record<string, number> {
  const names = outcomes.map((outcome) =>
    outcome.status === "fulfilled"
      ? "done"
      : (ErrorReasonSchema.value[outcome.reason.reason]?.localName ?? String(outcome.reason)),
  );
  return Object.fromEntries(
    [...new Set(names)].map((name) => [name, names.filter((each) => each === name).length]),
  );
}

/** From now on it is a minute later, and stays so. */
function stopClock(): void {
  const now = Temporal.Now.instant().add({ minutes: 1 });
  vi.spyOn(Temporal.Now, "instant").mockReturnValue(now);
}

describe.each(databaseKinds)("Edits that are made in the same microsecond on %s", (kind) => {
  let database: TestDatabase;
  let orm: Orm;
  let repository: PartnerRepository;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    orm = await createOrm(database.settings, schema);
    repository = createPartnerRepository(orm);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  afterAll(async () => {
    await orm?.close(true);
    await database?.close();
  });

  test("of one revision: one is done, and the others are told that theirs is not", async () => {
    const partner = await repository.create(newPartner(), signal);
    stopClock();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        repository.update({ ...partner, revision: 1 }, { city: `City ${n}` }, asker),
      ),
    );
    expect(count(outcomes)).toEqual({ done: 1, ETAG_MISMATCH: 7 });
    const answers = outcomes.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
    expect(answers).toEqual([await repository.find(partner, signal)]);
  });

  test("as deletes: one is done, and the others find nothing to delete", async () => {
    const partner = await repository.create(newPartner(), signal);
    stopClock();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () =>
        repository.delete({ ...partner, revision: undefined }, asker),
      ),
    );
    expect(count(outcomes)).toEqual({ done: 1, PARTNER_NOT_FOUND: 7 });
  });
});

describe("An edit whose answer is lost", () => {
  let database: TestDatabase & { readonly settings: { readonly databaseUrl: string } };
  let proxy: Awaited<ReturnType<typeof createTcpProxy>>;
  let orm: Orm;
  let repository: PartnerRepository;

  beforeAll(async () => {
    database = await createPostgresDatabase();
    proxy = await createTcpProxy(database.settings.databaseUrl);
    orm = await createOrm({ databaseUrl: proxy.url }, schema);
    repository = createPartnerRepository(orm);
  });
  afterAll(async () => {
    await orm?.close(true);
    await proxy?.close();
    await database?.close();
  });

  test("is made once, and answered, where it is an update of one revision", async () => {
    const partner = await repository.create(newPartner(), signal);
    proxy.loseAnswerTo("update partner");
    const updated = await repository.update({ ...partner, revision: 1 }, { city: "Boston" }, asker);
    expect(updated).toMatchObject({ city: "Boston", revision: 2 });
    expect(await repository.find(partner, signal)).toEqual(updated);
  });

  test("is made once, and answered, where it is a delete", async () => {
    const partner = await repository.create(newPartner(), signal);
    proxy.loseAnswerTo("update partner");
    expect(await repository.delete({ ...partner, revision: 1 }, asker)).toBeUndefined();
    await expect(repository.find(partner, signal)).rejects.toMatchObject({
      reason: ErrorReason.PARTNER_NOT_FOUND,
    });
  });
});
