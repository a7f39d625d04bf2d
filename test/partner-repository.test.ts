import { randomUUID } from "node:crypto";
import { createOrm, type Orm, query } from "@partner-service/postgres-statements";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorReason } from "../gen/partner/v1/error_pb.ts";
import { schema } from "../src/database/open-database.ts";
import { type NewPartner, PartnerEntity } from "../src/partners/partner-entity.ts";
import {
  createPartnerRepository,
  type PartnerRepository,
} from "../src/partners/partner-repository.ts";
import { createTestDatabase, databaseKinds, type TestDatabase } from "./support/databases.ts";
import { newPartner } from "./support/partners.ts";

const { signal } = new AbortController();

/** Text that PostgreSQL can hold: any but U+0000, well formed. */
const text = (maxLength: number) =>
  fc
    .string({ unit: "binary", minLength: 1, maxLength })
    .filter((value) => value.isWellFormed() && !value.includes("\0"));

const beginsWithMark = (value: unknown) => typeof value === "string" && value.startsWith("\ufeff");

const uuid = fc.uuid({ version: 4 });

const newPartners: fc.Arbitrary<NewPartner> = fc.record({
  organizationId: uuid,
  companyName: text(100),
  salesAmount: fc.nat(),
  partnerType: fc.constantFrom("customer", "supplier"),
  email: text(100),
  frequency: text(30),
  paymentTerms: text(50),
  address: text(500),
  city: text(100),
  state: text(100),
  postalCode: text(30),
  companyRegistrationNumber: text(255),
  externalId: fc.option(text(100)),
  countryCode: fc.option(fc.stringMatching(/^[A-Z]{2}$/)),
  requestId: fc.option(uuid),
});

describe.each(databaseKinds)("The partner repository on %s", (kind) => {
  let database: TestDatabase;
  let orm: Orm;
  let repository: PartnerRepository;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    orm = await createOrm(database.settings, schema);
    repository = createPartnerRepository(orm);
  });
  afterAll(async () => {
    await orm.close(true);
    await database.close();
  });

  const countIn = async (organizationId: string) => {
    const sql = "select count(*)::int as count from partner where organization_id = $1";
    return (await query(orm, sql, [organizationId]))[0]?.count;
  };

  test("answers a partner as it was given, with what the service adds", async () => {
    const before = Temporal.Now.instant().subtract({ microseconds: 1 });
    const given = newPartner();
    const partner = await repository.create(given, signal);
    const after = Temporal.Now.instant();

    expect(partner).toEqual({
      ...given,
      id: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
      createdAt: partner.updatedAt,
      updatedAt: partner.createdAt,
      invitationStatus: "invited",
      guestOrganizationId: null,
      invitationTokenHash: null,
      invitationExpiresAt: null,
      writeId: null,
      connectedAt: null,
      deletedAt: null,
      revision: 1,
      requestFingerprint: null,
    });
    expect(Temporal.Instant.compare(partner.createdAt, before)).toBe(1);
    expect(Temporal.Instant.compare(partner.createdAt, after)).not.toBe(1);
    expect(partner.createdAt.epochNanoseconds % 1000n).toBe(0n);
  });

  test("stores and answers any text unaltered", { timeout: 60_000 }, async () => {
    const property = fc.asyncProperty(newPartners, async (given) => {
      fc.pre(kind !== "pglite" || !Object.values(given).some(beginsWithMark));
      const partner = await repository.create(given, signal);
      const { organizationId, id } = partner;
      const stored = await orm.em.fork().findOneOrFail(PartnerEntity, { organizationId, id });
      expect(partner).toMatchObject(given);
      expect({ ...stored }).toEqual(partner);
    });
    // To shrink it would give its ids again, to other content.
    await fc.assert(property, { numRuns: 100, endOnFailure: true });
  });

  // PGlite's own decoder takes one for a byte-order mark (docs/operations.md): a version that does not will be noticed.
  const fails = kind === "pglite";
  test("finds the U+FEFF that a text begins with", { fails }, async () => {
    const given = newPartner({ companyName: "\ufeffExample", city: "\ufeff" });
    const { organizationId, id } = await repository.create(given, signal);
    const found = await orm.em.fork().findOneOrFail(PartnerEntity, { organizationId, id });
    expect({ ...found }).toMatchObject(given);
  });

  test("stores text that means something to SQL", async () => {
    const given = newPartner({
      companyName: "'; drop table partner; --",
      address: "\\' \\\\ $1 ? ?? :name %s \u2028 \u202e \ufeff \r\n\t\u0001\u007f",
      city: "\u{1f469}\u200d\u{1f469}\u200d\u{1f467} é e\u0301 \ufffe\uffff\u{10ffff}",
    });
    expect(await repository.create(given, signal)).toMatchObject(given);
  });

  test("gives later partners greater ids", async () => {
    const organizationId = randomUUID();
    const ids: string[] = [];
    for (let index = 0; index < 50; index += 1) {
      ids.push((await repository.create(newPartner({ organizationId }), signal)).id);
    }
    expect(ids).toEqual([...new Set(ids)].sort());
  });

  test("creates two partners from the same content without a request id", async () => {
    const given = newPartner();
    const first = await repository.create(given, signal);
    const second = await repository.create(given, signal);
    expect(second.id).not.toBe(first.id);
    expect(await countIn(given.organizationId)).toBe(2);
  });

  test("answers the first partner when a request id comes again with the same content", async () => {
    const given = newPartner({ requestId: randomUUID(), countryCode: null });
    const first = await repository.create(given, signal);
    const again = { ...given, requestId: String(given.requestId).toUpperCase() };
    expect(await repository.create(again, signal)).toEqual(first);
    expect(await countIn(given.organizationId)).toBe(1);
  });

  const changes: Partial<NewPartner>[] = [
    { companyName: "Example Supplies ltd" },
    { salesAmount: 0 },
    { partnerType: "supplier" },
    { email: "other@example.com" },
    { frequency: "weekly" },
    { paymentTerms: "Net 60" },
    { address: "123 Main St, Suite 401" },
    { city: "Boston" },
    { state: "MA" },
    { postalCode: "12346" },
    { companyRegistrationNumber: "123456780" },
    { countryCode: "CA" },
    { countryCode: null },
    // What one field loses the next one gains.
    { city: "New YorkN", state: "Y" },
  ];

  test.each(changes)("refuses a request id that comes again with %o", async (change) => {
    const requestId = randomUUID();
    const given = newPartner({ requestId });
    await repository.create(given, signal);
    await expect(repository.create({ ...given, ...change }, signal)).rejects.toMatchObject({
      name: "PartnerError",
      reason: ErrorReason.REQUEST_ID_REUSED,
      facts: { metadata: { request_id: requestId } },
    });
    expect(await countIn(given.organizationId)).toBe(1);
  });

  test("lets each organization use a request id of another one", async () => {
    const requestId = randomUUID();
    const first = await repository.create(newPartner({ requestId }), signal);
    const second = await repository.create(newPartner({ requestId }), signal);
    expect(second.id).not.toBe(first.id);
    expect(second.organizationId).not.toBe(first.organizationId);
  });

  test("answers one partner to racing calls with one request id", async () => {
    const given = newPartner({ requestId: randomUUID() });
    const calls = Array.from({ length: 50 }, () => repository.create(given, signal));
    const partners = await Promise.all(calls);
    expect(partners).toEqual(Array.from({ length: 50 }, () => partners[0]));
    expect(await countIn(given.organizationId)).toBe(1);
  });

  test("lets one of two racing contents have a request id", async () => {
    const requestId = randomUUID();
    const one = newPartner({ requestId });
    const other = { ...one, city: "Boston" };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => repository.create(n % 2 === 0 ? one : other, signal)),
    );
    const [stored] = await query(orm, "select city from partner where request_id = $1", [
      requestId,
    ]);
    const winner = stored?.city === one.city ? 0 : 1;
    expect(outcomes.map(({ status }) => status)).toEqual(
      outcomes.map((_, n) => (n % 2 === winner ? "fulfilled" : "rejected")),
    );
    expect(await countIn(one.organizationId)).toBe(1);
  });

  test("creates nothing for a call that has ended before", async () => {
    const given = newPartner();
    const reason = new Error("too late");
    await expect(repository.create(given, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await countIn(given.organizationId)).toBe(0);
  });
});
