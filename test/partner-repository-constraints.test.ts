import { randomUUID } from "node:crypto";
import { createOrm, type Orm, query } from "@partner-service/postgres-statements";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { schema } from "../src/database/open-database.ts";
import type { NewPartner } from "../src/partners/partner-entity.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { createTestDatabase, databaseKinds, type TestDatabase } from "./support/databases.ts";
import { newPartner } from "./support/partners.ts";

const { signal } = new AbortController();

/** The contract's limits in Unicode code points. */
const limits = {
  companyName: 100,
  email: 100,
  frequency: 30,
  paymentTerms: 50,
  address: 500,
  city: 100,
  state: 100,
  postalCode: 30,
  companyRegistrationNumber: 255,
} satisfies Partial<Record<keyof NewPartner, number>>;

/** Code points of one, two, three and four bytes in UTF-8; the last one is two UTF-16 units. */
const characters = ["a", "é", "語", "\u{1f9fe}"];

const column = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

describe.each(databaseKinds)("The table of partners on %s", (kind) => {
  let database: TestDatabase;
  let orm: Orm;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    orm = await createOrm(database.settings, schema);
  });
  afterAll(async () => {
    await orm.close(true);
    await database.close();
  });

  const insert = (changes: Partial<NewPartner>) =>
    createPartnerRepository(orm).create(newPartner(changes), signal);

  describe.each(Object.entries(limits))("limits %s", (field, maxLength) => {
    test.each(characters)(`to ${maxLength} times %s`, async (character) => {
      const longest = character.repeat(maxLength);
      expect(await insert({ [field]: longest })).toMatchObject({ [field]: longest });
      await expect(insert({ [field]: longest + character })).rejects.toMatchObject({
        name: "DatabaseError",
        sqlState: "23514",
        constraint: `partner_${column(field)}_check`,
      });
    });

    test("to one character or more", async () => {
      expect(await insert({ [field]: " " })).toMatchObject({ [field]: " " });
      await expect(insert({ [field]: "" })).rejects.toMatchObject({
        sqlState: "23514",
        constraint: `partner_${column(field)}_check`,
      });
    });
  });

  test.each([0, 1, 2_147_483_647])("takes a sales amount of %d", async (salesAmount) => {
    expect(await insert({ salesAmount })).toMatchObject({ salesAmount });
  });

  test.each([
    [-1, "23514"],
    [2_147_483_648, "22003"],
  ])("takes no sales amount of %d", async (salesAmount, sqlState) => {
    await expect(insert({ salesAmount })).rejects.toMatchObject({ sqlState });
  });

  test.each(["", "U", "us", "USA", "U1", "US\n", "ÄÖ"])(
    "takes no country %j",
    async (countryCode) => {
      await expect(insert({ countryCode })).rejects.toMatchObject({
        sqlState: "23514",
        constraint: "partner_country_code_check",
      });
    },
  );

  const updates = [
    ["partner_type = 'both'", "partner_partner_type_check"],
    ["invitation_status = 'declined'", "partner_invitation_status_check"],
    ["invitation_status = 'accepted'", "partner_guest_organization_id_check"],
    ["guest_organization_id = organization_id", "partner_guest_organization_id_check"],
    ["revision = 0", "partner_revision_check"],
    ["request_id = id", "partner_request_fingerprint_check"],
    ["request_fingerprint = ''", "partner_request_fingerprint_check"],
  ] as const;

  test.each(updates)("does not take %s", async (assignment, constraint) => {
    const { organizationId, id } = await insert({});
    const sql = `update partner set ${assignment} where organization_id = $1 and id = $2`;
    await expect(query(orm, sql, [organizationId, id])).rejects.toMatchObject({
      sqlState: "23514",
      constraint,
    });
  });

  test("takes an accepted partner with its guest", async () => {
    const { organizationId, id } = await insert({});
    const sql = `update partner set invitation_status = 'accepted', guest_organization_id = $3
      where organization_id = $1 and id = $2 returning invitation_status, guest_organization_id`;
    const guest = randomUUID();
    expect(await query(orm, sql, [organizationId, id, guest])).toEqual([
      { invitation_status: "accepted", guest_organization_id: guest },
    ]);
  });

  const copy = `insert into partner select (r).* from (
    select jsonb_populate_record(p, $2) as r from partner p where id = $1) copies`;

  test.each([
    ["an id", "partner_pkey", {}],
    ["a request id", "partner_request_id_unique", { id: randomUUID() }],
  ])("holds %s once in an organization", async (_case, constraint, changes) => {
    const { id } = await insert({ requestId: randomUUID() });
    await expect(query(orm, copy, [id, JSON.stringify(changes)])).rejects.toMatchObject({
      sqlState: "23505",
      constraint,
    });
    const elsewhere = { organization_id: randomUUID(), ...changes };
    expect(await query(orm, copy, [id, JSON.stringify(elsewhere)])).toEqual([]);
  });
});
