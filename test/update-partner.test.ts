import { randomUUID } from "node:crypto";
import { create, type DescField, getOption, type MessageInitShape } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import {
  field as fieldOption,
  StringRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InvitationStatus, PartnerSchema, PartnerType } from "../gen/partner/v1/partner_pb.ts";
import {
  CreatePartnerRequestSchema,
  type UpdatePartnerRequestSchema,
} from "../gen/partner/v1/partner_service_pb.ts";
import { createPartner, newBook } from "./support/book.ts";
import { callHeaders, textLimits } from "./support/call-cases.ts";
import { databaseKinds } from "./support/databases.ts";
import { acme } from "./support/organizations.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { startTestService, type TestService } from "./support/service.ts";

type UpdateInit = Exclude<
  MessageInitShape<typeof UpdatePartnerRequestSchema>,
  { $typeName: string }
>;
type PartnerInit = Exclude<UpdateInit["partner"], undefined | { $typeName: string }>;

const notFound = { code: "NotFound", reason: "PARTNER_NOT_FOUND" };
const etagMismatch = (etag: string) => ({
  code: "Aborted",
  reason: "ETAG_MISMATCH",
  metadata: { etag },
});
const invalid = (...violations: string[]) => ({
  code: "InvalidArgument",
  reason: "FIELD_INVALID",
  violations,
});

/** Another good value for each field that an update changes. */
const otherValues = {
  companyName: "Другая компания",
  salesAmount: 0,
  partnerType: PartnerType.SUPPLIER,
  email: "other@example.com",
  frequency: "weekly",
  paymentTerms: "Net 60",
  address: "1 Other St",
  city: "Boston",
  state: "MA",
  postalCode: "02108",
  companyRegistrationNumber: "987",
  countryCode: "CA",
} as const satisfies PartnerInit;

const pathOf = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

describe.each(databaseKinds)("UpdatePartner on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  test.each(Object.entries(protocols))(
    "changes what the mask names over %s",
    async (_name, create) => {
      const { client } = await newBook(service, create);
      const before = await createPartner(client);
      const { partner } = await client.updatePartner({
        partner: { id: before.id, ...otherValues },
        updateMask: { paths: ["city", "sales_amount"] },
      });
      expect(partner).toEqual({
        ...before,
        ...{ city: "Boston", salesAmount: 0, etag: "r2", updatedAt: expect.anything() },
      });
      expect(partner?.updatedAt).not.toEqual(before.updatedAt);
      expect((await client.getPartner({ id: before.id })).partner).toEqual(partner);
    },
  );

  test.each(Object.entries(otherValues))(
    "changes %s alone when only it is present",
    async (field, value) => {
      const { client } = await newBook(service);
      const before = await createPartner(client);
      const { partner } = await client.updatePartner({
        partner: { id: before.id, [field]: value },
      });
      const expected = { ...before, [field]: value, etag: "r2", updatedAt: partner?.updatedAt };
      expect(partner).toEqual(expected);
    },
  );

  test("changes all fields with *, and clears an optional one that is absent", async () => {
    const { client } = await newBook(service);
    const before = await createPartner(client);
    const { countryCode: _, ...values } = otherValues;
    const { partner } = await client.updatePartner({
      partner: { id: before.id, ...values },
      updateMask: { paths: ["*"] },
    });
    const { countryCode: __, ...kept } = before;
    expect(partner).toEqual({ ...kept, ...values, etag: "r2", updatedAt: partner?.updatedAt });
  });

  test("clears country_code when the mask names it", async () => {
    const { client } = await newBook(service);
    const { id } = await createPartner(client);
    const { partner } = await client.updatePartner({
      partner: { id },
      updateMask: { paths: ["country_code"] },
    });
    expect(partner?.countryCode).toBeUndefined();
  });

  test("takes a partner back as it was read, and ignores what only the service sets", async () => {
    const { client } = await newBook(service);
    const before = await createPartner(client);
    const { partner } = await client.updatePartner({
      partner: {
        ...before,
        ...{ city: "Boston", organizationId: acme, guestOrganizationId: acme },
        invitationStatus: InvitationStatus.ACCEPTED,
      },
    });
    expect(partner).toEqual({
      ...before,
      ...{ city: "Boston", etag: "r2", updatedAt: partner?.updatedAt },
    });
  });

  test.each<[string, (partner: PartnerInit) => UpdateInit]>([
    ["the values are the same", (partner) => ({ partner })],
    ["there is nothing to change", ({ id = "" }) => ({ partner: { id } })],
    [
      "the mask names a field with its value",
      (partner) => ({ partner, updateMask: { paths: ["city"] } }),
    ],
  ])("moves neither updated_at nor etag when %s", async (_name, toRequest) => {
    const { client } = await newBook(service);
    const before = await createPartner(client);
    const { $typeName: _, ...fields } = before;
    expect((await client.updatePartner(toRequest(fields))).partner).toEqual(before);
  });

  test("moves updated_at with each change, by microseconds", async () => {
    const { client } = await newBook(service);
    const { id, createdAt } = await createPartner(client);
    const times = [createdAt];
    for (const city of ["A", "B", "C"]) {
      const { partner } = await client.updatePartner({ partner: { id, city } });
      expect(partner?.createdAt).toEqual(createdAt);
      times.push(partner?.updatedAt);
    }
    const microseconds = times.map((time) =>
      time === undefined ? 0n : time.seconds * 1_000_000n + BigInt(time.nanos / 1000),
    );
    expect(microseconds).toEqual([...new Set(microseconds)].sort());
  });

  test("refuses a stale etag, and lets one of two win that race with the same", async () => {
    const { client } = await newBook(service);
    const { id, etag } = await createPartner(client);
    const cities = Array.from({ length: 8 }, (_, number) => `City ${number}`);
    const outcomes = await Promise.allSettled(
      cities.map((city) => client.updatePartner({ partner: { id, city, etag } })),
    );
    const winners = outcomes.filter((outcome) => outcome.status === "fulfilled");
    expect(winners).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        expect(await failureOf(Promise.reject(outcome.reason))).toEqual(etagMismatch("r2"));
      }
    }
    const { partner } = await client.getPartner({ id });
    expect(partner).toEqual(winners[0]?.value.partner);
    expect(partner?.etag).toBe("r2");
    const again = await client.updatePartner({ partner: { id, city: "Last", etag: "r2" } });
    expect(again.partner?.city).toBe("Last");
  });

  test.each(["r2", "r0", "r01", "1", "R1", "r2147483648", "r99999999999999", "\u0000", "*"])(
    "takes the etag %j for a stale one",
    async (etag) => {
      const { client } = await newBook(service);
      const { id } = await createPartner(client);
      const call = client.updatePartner({ partner: { id, city: "Boston", etag } });
      expect(await failureOf(call)).toEqual(etagMismatch("r1"));
      const withoutChange = client.updatePartner({ partner: { id, etag } });
      expect(await failureOf(withoutChange)).toEqual(etagMismatch("r1"));
    },
  );

  test("does not find an unknown id, or one of another organization's book", async () => {
    const [one, other] = [await newBook(service), await newBook(service)];
    const { id } = await createPartner(one.client);
    for (const partner of [
      { id: randomUUID(), city: "Boston" },
      { id: randomUUID() },
      { id, city: "Boston" },
      { id, etag: "r9" },
    ]) {
      expect(await failureOf(other.client.updatePartner({ partner }))).toEqual(notFound);
    }
  });

  test.each<[string, UpdateInit, string]>([
    ["no partner", {}, "partner: required"],
    ["no id", { partner: { city: "Boston" } }, "partner.id: required"],
    ["an id that is none", { partner: { id: "1" } }, "partner.id: string.uuid"],
    [
      "26 paths",
      {
        partner: { id: randomUUID() },
        updateMask: { paths: Array.from({ length: 26 }, () => "city") },
      },
      "update_mask: update_mask.size",
    ],
    [
      "a path of 65 characters",
      { partner: { id: randomUUID() }, updateMask: { paths: ["a".repeat(65)] } },
      "update_mask: update_mask.size",
    ],
  ])("refuses %s", async (_name, request, violation) => {
    const { client } = await newBook(service);
    expect(await failureOf(client.updatePartner(request))).toEqual(invalid(violation));
  });

  test.each([
    ...["id", "created_at", "updated_at", "organization_id", "invitation_status", "etag"],
    ...["guest_organization_id", "invitation_expires_at", "connected_at"],
  ])("ignores the path %j, which only the service sets", async (path) => {
    const { client } = await newBook(service);
    const created = await createPartner(client);
    const { partner } = await client.updatePartner({
      partner: { id: created.id, ...otherValues, organizationId: randomUUID() },
      updateMask: { paths: ["city", path] },
    });
    const { updatedAt, etag } = partner ?? created;
    expect(partner).toEqual({ ...created, city: otherValues.city, updatedAt, etag });
    const alone = await client.updatePartner({
      partner: { id: created.id, ...otherValues },
      updateMask: { paths: [path] },
    });
    expect(alone.partner).toEqual(partner);
  });

  test.each(["request_id", "nonsense", "city.name", "City", ""])(
    "refuses the path %j, and names it",
    async (path) => {
      const { client } = await newBook(service);
      const { id } = await createPartner(client);
      const updateMask = { paths: ["city", path, "*"] };
      const call = client.updatePartner({ partner: { id, ...otherValues }, updateMask });
      expect(await failureOf(call)).toEqual(invalid("update_mask.paths[1]: field_mask.path"));
      await expect(call).rejects.toThrow(`${path} is not a field`);
      expect((await client.getPartner({ id })).partner?.city).toBe("New York");
    },
  );

  test.each([
    ...Object.entries(textLimits).flatMap(([key, [, limit]]): [string, PartnerInit, string][] => [
      [key, { [key]: "" }, "string.min_len"],
      [key, { [key]: "🏭".repeat(limit + 1) }, "string.max_len"],
      [key, { [key]: "a\u0000" }, "string.not_contains"],
    ]),
    ["email", { email: "nobody" }, "string.email"],
    ["email", { email: "a@b" }, "email.domain"],
    ["salesAmount", { salesAmount: -1 }, "int32.gte"],
    ["countryCode", { countryCode: "us" }, "country_code.iso_3166"],
    ["countryCode", { countryCode: "" }, "country_code.iso_3166"],
  ] satisfies [string, PartnerInit, string][])(
    "has the rules of a create for %s, as in %j, with a mask and without",
    async (field, values, rule) => {
      const { client } = await newBook(service);
      const { id } = await createPartner(client);
      for (const updateMask of [undefined, { paths: [pathOf(field)] }, { paths: ["*"] }]) {
        const partner = { id, ...otherValues, ...values };
        const call = client.updatePartner(
          updateMask === undefined ? { partner } : { partner, updateMask },
        );
        expect(await failureOf(call)).toEqual(invalid(`partner.${pathOf(field)}: ${rule}`));
      }
    },
  );

  test.each(Object.keys(otherValues))(
    "clears %s only if a create may leave it out",
    async (field) => {
      const { client } = await newBook(service);
      const { id } = await createPartner(client);
      const call = client.updatePartner({
        partner: { id },
        updateMask: { paths: [pathOf(field)] },
      });
      if (field === "countryCode") {
        expect((await call).partner?.countryCode).toBeUndefined();
      } else {
        expect(await failureOf(call)).toEqual(invalid(`partner.${pathOf(field)}: required`));
      }
    },
  );

  test("reads a JSON mask in camelCase", async () => {
    const { organization, client } = await newBook(service);
    const { id } = await createPartner(client);
    const token = await service.issuer.token({ org_id: organization });
    const response = await fetch(`${service.url}/partner.v1.PartnerService/UpdatePartner`, {
      method: "POST",
      headers: callHeaders(token, {
        "Content-Type": "application/json",
        "Requester-Organization-ID": organization,
        "Target-Organization-ID": organization,
      }),
      body: JSON.stringify({
        partner: { id, companyName: "New", postalCode: "1", city: "ignored" },
        updateMask: "companyName,postalCode",
      }),
    });
    expect([response.status, await response.json()]).toMatchObject([
      200,
      { partner: { companyName: "New", postalCode: "1", city: "New York" } },
    ]);
  });
});

test("A partner has in the contract the rules of a create for each field that a caller sets", () => {
  const rulesOf = (field: DescField) => {
    const { type, cel } = getOption(field, fieldOption);
    // Examples differ: that of an update is to change something.
    const rules = type.value ?? create(StringRulesSchema);
    return [{ ...rules, example: [] }, cel];
  };
  const fields = CreatePartnerRequestSchema.fields.filter(
    ({ name }) => name !== "request_id" && name !== "validate_only",
  );
  const partnerFields = fields.map(({ localName }) =>
    PartnerSchema.fields.find((field) => field.localName === localName),
  );
  expect(partnerFields.map((field) => field && rulesOf(field))).toEqual(fields.map(rulesOf));
  // An empty text is told from an absent one.
  expect(
    partnerFields.filter((field) => field?.presence === FeatureSet_FieldPresence.IMPLICIT),
  ).toEqual([PartnerSchema.field.partnerType]);
});
