import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  InvitationStatus,
  type Partner as PartnerMessage,
  PartnerType,
} from "../../gen/partner/v1/partner_pb.ts";
import type { CreatePartnerRequest } from "../../gen/partner/v1/partner_service_pb.ts";
import { etagOf, type NewPartner, type Partner, pendingUntil } from "../partners/partner-entity.ts";

export const partnerTypes = {
  customer: PartnerType.CUSTOMER,
  supplier: PartnerType.SUPPLIER,
} as const satisfies Record<Partner["partnerType"], PartnerType>;

const invitationStatuses = {
  invited: InvitationStatus.INVITED,
  accepted: InvitationStatus.ACCEPTED,
} as const satisfies Record<Partner["invitationStatus"], InvitationStatus>;

/** The stored forms of what has been validated. */
export const toStoredType = inverse<Partner["partnerType"], PartnerType>(partnerTypes);
export const toStoredStatus = inverse<Partner["invitationStatus"], InvitationStatus>(
  invitationStatuses,
);

function inverse<Stored extends string, Value>(forms: Readonly<Record<Stored, Value>>) {
  // The keys of such a table are the stored forms, and nothing else.
  const stored = new Map(
    Object.entries<Value>(forms).map(([form, value]) => [value, form as Stored]),
  );
  return (value: Value): Stored => {
    const form = stored.get(value);
    if (form === undefined) {
      throw new Error(`The value ${value} of an enum has passed validation.`);
    }
    return form;
  };
}

/** The partner that a validated request asks for, in the book of the organization. */
export function toNewPartner(request: CreatePartnerRequest, organizationId: string): NewPartner {
  const { salesAmount, partnerType } = request;
  if (salesAmount === undefined) {
    throw new Error("A request without sales_amount has passed validation.");
  }
  return {
    organizationId,
    companyName: request.companyName,
    salesAmount,
    partnerType: toStoredType(partnerType),
    email: request.email,
    frequency: request.frequency,
    paymentTerms: request.paymentTerms,
    address: request.address,
    city: request.city,
    state: request.state,
    postalCode: request.postalCode,
    companyRegistrationNumber: request.companyRegistrationNumber,
    countryCode: request.countryCode ?? null,
    requestId: request.requestId?.toLowerCase() ?? null,
    externalId: request.externalId ?? null,
  };
}

/**
 * The partner as the contract shows it: a whole message of proto3, which Protobuf's `create` would
 * only copy, field by field.
 */
export function toPartnerMessage(partner: Partner): PartnerMessage {
  const createdAt = toTimestamp(partner.createdAt);
  return {
    $typeName: "partner.v1.Partner",
    id: partner.id,
    createdAt,
    updatedAt: partner.updatedAt === partner.createdAt ? createdAt : toTimestamp(partner.updatedAt),
    organizationId: partner.organizationId,
    companyName: partner.companyName,
    salesAmount: partner.salesAmount,
    partnerType: partnerTypes[partner.partnerType],
    email: partner.email,
    frequency: partner.frequency,
    paymentTerms: partner.paymentTerms,
    address: partner.address,
    city: partner.city,
    state: partner.state,
    postalCode: partner.postalCode,
    companyRegistrationNumber: partner.companyRegistrationNumber,
    countryCode: partner.countryCode ?? undefined,
    invitationStatus: invitationStatuses[partner.invitationStatus],
    guestOrganizationId: partner.guestOrganizationId ?? undefined,
    etag: etagOf(partner),
    invitationExpiresAt: toOptionalTimestamp(pendingUntil(partner)),
    connectedAt: toOptionalTimestamp(partner.connectedAt),
    externalId: partner.externalId ?? undefined,
  };
}

/** The greatest revision that its column holds. */
const maxRevision = 2_147_483_647;

/**
 * The revision that an etag of a request stands for. Returns undefined for an empty etag, which asks
 * for no check, and 0, a revision that no partner has, for one that the service never made.
 */
export function toRevision(etag: string): number | undefined {
  if (etag === "") {
    return undefined;
  }
  const revision = Number(/^r([1-9]\d{0,9})$/.exec(etag)?.[1] ?? 0);
  return revision <= maxRevision ? revision : 0;
}

/** The instant as the contract shows it: exact to the nanosecond, which a JavaScript Date is not. */
export function toTimestamp(instant: Temporal.Instant): Timestamp {
  const { epochNanoseconds } = instant;
  const nanos = ((epochNanoseconds % billion) + billion) % billion;
  return {
    $typeName: "google.protobuf.Timestamp",
    seconds: (epochNanoseconds - nanos) / billion,
    nanos: Number(nanos),
  };
}

function toOptionalTimestamp(instant: Temporal.Instant | null): Timestamp | undefined {
  return instant === null ? undefined : toTimestamp(instant);
}

const billion = 1_000_000_000n;
