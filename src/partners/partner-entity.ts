import { defineEntity, type InferEntity, p } from "@mikro-orm/core";
import { InstantType } from "../database/instant-type.ts";

/** The values of `partner_type`. */
export type PartnerType = "customer" | "supplier";

/** The values of `invitation_status`. */
export type InvitationStatus = "invited" | "accepted";

const instant = () => p.type(InstantType).$type<Temporal.Instant>();

/** The table of partners, as the migrations make it. */
export const PartnerEntity = defineEntity({
  name: "Partner",
  tableName: "partner",
  properties: {
    organizationId: p.uuid().primary(),
    id: p.uuid().primary(),
    createdAt: instant(),
    updatedAt: instant(),
    companyName: p.text(),
    salesAmount: p.integer(),
    partnerType: p.text().$type<PartnerType>(),
    email: p.text(),
    frequency: p.text(),
    paymentTerms: p.text(),
    address: p.text(),
    city: p.text(),
    state: p.text(),
    postalCode: p.text(),
    companyRegistrationNumber: p.text(),
    countryCode: p.text().strictNullable(),
    invitationStatus: p.text().$type<InvitationStatus>(),
    guestOrganizationId: p.uuid().strictNullable(),
    /** 1 when the partner is created, one more with each change; the contract's etag. */
    revision: p.integer(),
    /** What makes the create idempotent: unique within the organization. */
    requestId: p.uuid().strictNullable(),
    /** What the create of `requestId` was about, as a hash of its content. */
    requestFingerprint: p.text().strictNullable(),
    /**
     * When the partner was deleted. The row stays, without what it said of the company, because
     * only a row that is there holds its request id for good: were it gone, a create with the same
     * request id that is under way could bring the partner back.
     */
    deletedAt: instant().strictNullable(),
    /** SHA-256 of the invitation's token in hex. It stays after the acceptance, which may be repeated. */
    invitationTokenHash: p.text().strictNullable(),
    invitationExpiresAt: instant().strictNullable(),
  },
  uniques: [
    { name: "partner_request_id_unique", properties: ["organizationId", "requestId"] },
    {
      name: "partner_guest_unique",
      properties: ["organizationId", "guestOrganizationId", "partnerType"],
      where: "guest_organization_id is not null",
    },
  ],
  indexes: [
    {
      name: "partner_company_name_index",
      properties: ["organizationId", "companyName", "id"],
      where: "deleted_at is null",
    },
  ],
  checks: [
    lengthCheck("company_name", 100),
    { name: "partner_sales_amount_check", expression: "sales_amount >= 0" },
    valueCheck("partner_type", ["customer", "supplier"]),
    lengthCheck("email", 100),
    lengthCheck("frequency", 30),
    lengthCheck("payment_terms", 50),
    lengthCheck("address", 500),
    lengthCheck("city", 100),
    lengthCheck("state", 100),
    lengthCheck("postal_code", 30),
    lengthCheck("company_registration_number", 255),
    { name: "partner_country_code_check", expression: "country_code ~ '^[A-Z]{2}$'" },
    valueCheck("invitation_status", ["invited", "accepted"]),
    {
      name: "partner_guest_organization_id_check",
      expression: "(invitation_status = 'accepted') = (guest_organization_id is not null)",
    },
    { name: "partner_revision_check", expression: "revision >= 1" },
    {
      name: "partner_request_fingerprint_check",
      expression: "(request_id is null) = (request_fingerprint is null)",
    },
    {
      name: "partner_invitation_check",
      expression: "(invitation_token_hash is null) = (invitation_expires_at is null)",
    },
  ],
});

/** A partner as it is stored. */
export type Partner = InferEntity<typeof PartnerEntity>;

/** A limit of the contract: char_length counts Unicode code points, as the contract does. */
function lengthCheck(column: string, maxLength: number) {
  const expression = `char_length(${column}) >= 1 and char_length(${column}) <= ${maxLength}`;
  return { name: `partner_${column}_check`, expression };
}

function valueCheck(column: string, values: readonly string[]) {
  const expression = values.map((value) => `${column} = '${value}'`).join(" or ");
  return { name: `partner_${column}_check`, expression };
}
