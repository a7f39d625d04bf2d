import { randomUUID } from "node:crypto";
import { createOrm, type Orm } from "@partner-service/postgres-statements";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorReason } from "../gen/partner/v1/error_pb.ts";
import { schema } from "../src/database/open-database.ts";
import type { Partner } from "../src/partners/partner-entity.ts";
import {
  createPartnerRepository,
  type PartnerRepository,
} from "../src/partners/partner-repository.ts";
import { createTestDatabase, databaseKinds, type TestDatabase } from "./support/databases.ts";
import { newPartner } from "./support/partners.ts";

const { signal } = new AbortController();

describe.each(databaseKinds)("Finds that are made at once on %s", (kind) => {
  let database: TestDatabase;
  let orm: Orm;
  let repository: PartnerRepository;
  let partners: readonly Partner[];

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    orm = await createOrm(database.settings, schema);
    repository = createPartnerRepository(orm);
    const [one, other] = [randomUUID(), randomUUID()];
    partners = await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        repository.create(newPartner({ organizationId: number % 2 === 0 ? one : other }), signal),
      ),
    );
  });
  afterAll(async () => {
    await orm?.close(true);
    await database?.close();
  });

  test("answers each of those who ask at once with the partner asked for", async () => {
    const asked = [...partners, ...partners].reverse();
    const found = await Promise.all(asked.map((partner) => repository.find(partner, signal)));
    expect(found).toEqual(asked);
  });

  test("finds a partner in its own book only, also where both books are asked at once", async () => {
    const [one, other] = partners;
    const questions: [string | undefined, string | undefined][] = [
      [one?.organizationId, one?.id],
      [other?.organizationId, one?.id],
      [other?.organizationId, other?.id],
      [one?.organizationId, other?.id],
      [one?.organizationId, randomUUID()],
    ];
    const found = await Promise.allSettled(
      questions.map(([organizationId = "", id = ""]) =>
        repository.find({ organizationId, id }, signal),
      ),
    );
    const notFound = { status: "rejected", reason: { reason: ErrorReason.PARTNER_NOT_FOUND } };
    expect(found).toMatchObject([
      { status: "fulfilled", value: one },
      notFound,
      { status: "fulfilled", value: other },
      notFound,
      notFound,
    ]);
  });
});
