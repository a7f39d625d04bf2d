/** The most characters that each text may have, by the contract; none may be empty. */
const maxLengths = {
  companyName: 100,
  email: 100,
  frequency: 30,
  paymentTerms: 50,
  address: 500,
  city: 100,
  state: 100,
  postalCode: 30,
  companyRegistrationNumber: 255,
} as const;

type TextField = keyof typeof maxLengths;

/** A partner to be created, as the hand-written peers handle it. */
export interface NewPartner extends Readonly<Record<TextField, string>> {
  readonly salesAmount: number;
  readonly partnerType: "PARTNER_TYPE_CUSTOMER" | "PARTNER_TYPE_SUPPLIER";
  readonly countryCode?: string;
}

/** What the hand-written peers answer with. */
export interface StoredPartner extends NewPartner {
  readonly id: string;
  readonly organizationId: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly invitationStatus: "INVITATION_STATUS_INVITED" | "INVITATION_STATUS_ACCEPTED";
  readonly guestOrganizationId?: string;
  readonly etag: string;
}

// The entries are those of `maxLengths`, which Object.entries does not know.
const textFields = Object.entries(maxLengths) as [TextField, number][];

/** The contract's rules as JSON Schema. */
export const newPartnerSchema = {
  type: "object",
  additionalProperties: false,
  required: [...Object.keys(maxLengths), "salesAmount", "partnerType"],
  properties: {
    ...Object.fromEntries(
      textFields.map(([name, maxLength]) => [name, { type: "string", minLength: 1, maxLength }]),
    ),
    email: { type: "string", maxLength: maxLengths.email, format: "email" },
    salesAmount: { type: "integer", minimum: 0, maximum: 2_147_483_647 },
    partnerType: { enum: ["PARTNER_TYPE_CUSTOMER", "PARTNER_TYPE_SUPPLIER"] },
    countryCode: { type: "string", pattern: "^[A-Z]{2}$" },
  },
};

const text = { type: "string" };

/** The answer as JSON Schema, which Fastify compiles into a serializer. */
export const storedPartnerSchema = {
  type: "object",
  properties: {
    ...Object.fromEntries(textFields.map(([name]) => [name, text])),
    ...{ id: text, organizationId: text, createdAt: text, updatedAt: text, etag: text },
    ...{ partnerType: text, countryCode: text, invitationStatus: text },
    guestOrganizationId: text,
    salesAmount: { type: "integer" },
  },
};

const email = /^[^\s@]+@[^\s@]+$/;
const countryCode = /^[A-Z]{2}$/;

/** The same rules for those who have no JSON Schema: whether a decoded request follows them. */
export function followsRules(partner: Partial<NewPartner>): partner is NewPartner {
  return (
    textFields.every(([name, maxLength]) => {
      const length = partner[name]?.length ?? 0;
      return length >= 1 && length <= maxLength;
    }) &&
    email.test(partner.email ?? "") &&
    partner.salesAmount !== undefined &&
    partner.salesAmount >= 0 &&
    /^PARTNER_TYPE_(CUSTOMER|SUPPLIER)$/.test(partner.partnerType ?? "") &&
    (partner.countryCode === undefined || countryCode.test(partner.countryCode))
  );
}
