import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOrm, type Orm } from "../src/database/orm.ts";
import type { Partner } from "../src/partners/partner-entity.ts";
import { createPartnerFinder } from "../src/partners/partner-finder.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { createTestDatabase, databaseKinds, type TestDatabase } from "./support/databases.ts";
import { newPartner } from "./support/partners.ts";

const { signal } = new AbortController();

describe.each(databaseKinds)("The partner finder on %s", (kind) => {
  let database: TestDatabase;
  let orm: Orm;
  let partners: readonly Partner[];

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    orm = await createOrm(database.settings);
    const repository = createPartnerRepository(orm);
    const [one, other] = [randomUUID(), randomUUID()];
    partners = await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        repository.insert(newPartner({ organizationId: number % 2 === 0 ? one : other }), signal),
      ),
    );
  });
  afterAll(async () => {
    await orm?.close(true);
    await database?.close();
  });

  test("answers each of those who ask at once with the partner asked for", async () => {
    const finder = createPartnerFinder(orm);
    const asked = [...partners, ...partners].reverse();
    const found = await Promise.all(
      asked.map(({ organizationId, id }) => finder.find(organizationId, id, signal)),
    );
    expect(found).toEqual(asked);
  });

  test("finds a partner in its own book only, also where both books are asked at once", async () => {
    const finder = createPartnerFinder(orm);
    const [one, other] = partners;
    const questions: [string | undefined, string | undefined][] = [
      [one?.organizationId, one?.id],
      [other?.organizationId, one?.id],
      [other?.organizationId, other?.id],
      [one?.organizationId, other?.id],
      [one?.organizationId, randomUUID()],
    ];
    const found = await Promise.all(
      questions.map(([organizationId = "", id = ""]) => finder.find(organizationId, id, signal)),
    );
    expect(found).toEqual([one, undefined, other, undefined, undefined]);
  });

  test("takes an id in either case", async () => {
    const finder = createPartnerFinder(orm);
    const [one] = partners;
    const id = one?.id.toUpperCase() ?? "";
    expect(await finder.find(one?.organizationId ?? "", id, signal)).toEqual(one);
  });
});
