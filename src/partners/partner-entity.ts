import { hash } from "node:crypto";
import { getOption } from "@bufbuild/protobuf";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { defineEntity, type InferEntity, p } from "@mikro-orm/core";
import { InstantType } from "@partner-service/postgres-statements";
import { CreatePartnerRequestSchema } from "../../gen/partner/v1/partner_service_pb.ts";
import type { Writer } from "../context.ts";
import { type AuthorColumns, authorValues } from "./author.ts";

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
    salesAmount: p.integer().columnType("int4"),
    partnerType: p.text().$type<"customer" | "supplier">(),
    email: p.text(),
    frequency: p.text(),
    paymentTerms: p.text(),
    address: p.text(),
    city: p.text(),
    state: p.text(),
    postalCode: p.text(),
    companyRegistrationNumber: p.text(),
    countryCode: p.text().strictNullable(),
    invitationStatus: p.text().$type<"invited" | "accepted">(),
    guestOrganizationId: p.uuid().strictNullable(),
    /** 1 when the partner is created, one more with each change; the contract's etag. */
    revision: p.integer().columnType("int4"),
    /** What makes the create idempotent: unique within the organization. */
    requestId: p.uuid().strictNullable(),
    /** What the create of `requestId` was about, as a hash of its content. */
    requestFingerprint: p.text().strictNullable(),
    /**
     * When the partner was deleted. The row stays for a while, without what it said of the company,
     * because only a row that is there holds its request id: were it gone, a create with the same
     * request id that is under way could bring the partner back. Followers are told of it by its row, too.
     */
    deletedAt: instant().strictNullable(),
    /** SHA-256 of the invitation's token in hex. It stays after the acceptance, which may be repeated. */
    invitationTokenHash: p.text().strictNullable(),
    invitationExpiresAt: instant().strictNullable(),
    /** Which write made the last change, by which a write whose answer was lost knows its own work. */
    writeId: p.uuid().strictNullable(),
    connectedAt: instant().strictNullable(),
    /**
     * The id of the transaction that wrote the row last, by which books are listed in the order in which
     * they changed. The database sets it, and only such a list reads it.
     */
    change: p.bigint().defaultRaw("((pg_current_xact_id())::text)::bigint").lazy(),
    /** The number that the organization's own system has for the partner: unique within the book. */
    externalId: p.text().strictNullable(),
    /** Who made the last change. Only lists of changes read it; see `authorOf`. */
    authorSubject: p.text().nullable().lazy(),
    authorOrganizationId: p.uuid().strictNullable().default(null).lazy(),
    /** The revision that the author made: who changes a row without knowing of authors leaves one before. */
    authorRevision: p.integer().columnType("int4").default(1).lazy(),
  },
  uniques: [
    { name: "partner_request_id_unique", properties: ["organizationId", "requestId"] },
    {
      name: "partner_guest_unique",
      properties: ["organizationId", "guestOrganizationId", "partnerType"],
      where: "guest_organization_id is not null",
    },
    {
      name: "partner_external_id_unique",
      properties: ["organizationId", "externalId"],
      where: "external_id is not null and deleted_at is null",
    },
  ],
  indexes: [
    {
      name: "partner_company_name_index",
      properties: ["organizationId", "companyName", "id"],
      where: "deleted_at is null",
    },
    {
      name: "partner_guest_index",
      properties: ["guestOrganizationId", "organizationId", "partnerType"],
      where: "guest_organization_id is not null",
    },
    { name: "partner_change_index", properties: ["organizationId", "change", "id"] },
    {
      name: "partner_deleted_index",
      properties: ["deletedAt"],
      where: "deleted_at is not null",
    },
  ],
  checks: [
    ...CreatePartnerRequestSchema.fields.flatMap(contractChecks),
    valueCheck("partner_type", ["customer", "supplier"]),
    valueCheck("invitation_status", ["invited", "accepted"]),
    {
      name: "partner_guest_organization_id_check",
      expression: "(invitation_status = 'accepted') = (guest_organization_id is not null)",
    },
    // Which codes are assigned changes; their form does not.
    { name: "partner_country_code_check", expression: "country_code ~ '^[A-Z]{2}$'" },
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

/** Up to which change tombstones of a book have been removed, or are about to be. */
export const PurgeEntity = defineEntity({
  name: "PartnerPurge",
  tableName: "partner_purge",
  properties: { organizationId: p.uuid().primary(), change: p.bigint() },
});

/** A partner as it is stored. */
export type Partner = Omit<InferEntity<typeof PartnerEntity>, "change" | keyof AuthorColumns>;

/** A partner as it is inserted. */
export type AuthoredPartner = Partner & Pick<AuthorColumns, "authorSubject">;

/** Which partner a call is about. UUIDs are in lower case, as they are stored. */
export type PartnerKey = Pick<Partner, "organizationId" | "id">;

/** What a partner has beside what it is created from. */
type Initial =
  | ("id" | "createdAt" | "updatedAt" | "invitationStatus" | "guestOrganizationId" | "revision")
  | ("requestFingerprint" | "deletedAt" | "invitationTokenHash" | "invitationExpiresAt")
  | ("writeId" | "connectedAt");

/** What a partner is created from. UUIDs are in lower case. */
export type NewPartner = Omit<Partner, Initial>;

/** The partner that is stored for a new one, as it is at first. */
export function initialPartner(
  newPartner: NewPartner,
  id: string,
  now: Temporal.Instant,
  writer?: Writer,
): AuthoredPartner {
  // Named one by one: to spread a second object into a new one is a slow way through V8.
  const partner: Partner & { authorSubject?: AuthoredPartner["authorSubject"] } = {
    ...newPartner,
    id,
    createdAt: now,
    updatedAt: now,
    invitationStatus: "invited",
    guestOrganizationId: null,
    revision: 1,
    requestFingerprint: newPartner.requestId === null ? null : fingerprint(newPartner),
    deletedAt: null,
    invitationTokenHash: null,
    invitationExpiresAt: null,
    writeId: null,
    connectedAt: null,
  };
  if (writer !== undefined) {
    partner.authorSubject = authorValues(newPartner.organizationId, writer)[0];
  }
  return partner;
}

/** When the invitation expires that is pending now; null where none is. */
export function pendingUntil({
  invitationStatus,
  invitationExpiresAt: expiry,
}: Partner): Temporal.Instant | null {
  const pending =
    expiry !== null &&
    invitationStatus === "invited" &&
    Temporal.Instant.compare(expiry, Temporal.Now.instant()) > 0;
  return pending ? expiry : null;
}

export function etagOf({ revision }: Partner): string {
  return `r${revision}`;
}

/**
 * A hash of what the caller wants created. Absent fields take no part, so that a field that is added
 * to the contract later leaves the fingerprints of those who do not know it as they are.
 */
export function fingerprint({ organizationId, requestId, ...content }: NewPartner): string {
  const fields = Object.entries(content).filter(([, value]) => value !== null);
  return hash("sha256", JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1))), "hex");
}

/** The contract's rules of a field as a constraint of its column, which has the same name. */
function contractChecks(descriptor: (typeof CreatePartnerRequestSchema.fields)[number]) {
  const { type } = getOption(descriptor, fieldOption);
  const { name: column } = descriptor;
  const name = `partner_${column}_check`;
  if (type.case === "string" && type.value.maxLen > 0n) {
    // char_length counts Unicode code points, as the contract does.
    const length = `char_length(${column})`;
    const { minLen, maxLen } = type.value;
    return [{ name, expression: `${length} >= ${minLen} and ${length} <= ${maxLen}` }];
  }
  if (type.case === "int32" && type.value.greaterThan.case === "gte") {
    return [{ name, expression: `${column} >= ${type.value.greaterThan.value}` }];
  }
  return [];
}

function valueCheck(column: string, values: readonly string[]) {
  const expression = values.map((value) => `${column} = '${value}'`).join(" or ");
  return { name: `partner_${column}_check`, expression };
}
