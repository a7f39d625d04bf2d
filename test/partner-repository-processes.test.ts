import { randomUUID } from "node:crypto";
import { createOrm, query } from "@partner-service/postgres-statements";
import { expect, test } from "vitest";
import { schema } from "../src/database/open-database.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { createPostgresDatabase } from "./support/databases.ts";
import { newPartner } from "./support/partners.ts";

test("Several instances of the service answer one partner to racing calls with one request id", async () => {
  await using database = await createPostgresDatabase();
  const orms = await Promise.all(
    Array.from({ length: 3 }, () => createOrm(database.settings, schema)),
  );
  const repositories = orms.map((orm) => createPartnerRepository(orm));
  const { signal } = new AbortController();
  for (let round = 0; round < 10; round += 1) {
    const given = newPartner({ requestId: randomUUID() });
    const calls = Array.from({ length: 30 }, (_, n) =>
      repositories[n % repositories.length]?.create(given, signal),
    );
    const partners = await Promise.all(calls);
    expect(partners).toEqual(partners.map(() => partners[0]));
  }
  for (const orm of orms) {
    expect(await query(orm, "select count(*)::int as count from partner", [])).toEqual([
      { count: 10 },
    ]);
    await orm.close(true);
  }
});
