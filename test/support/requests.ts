import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { PartnerType } from "../../gen/partner/v1/partner_pb.ts";
import {
  type CreatePartnerRequest,
  CreatePartnerRequestSchema,
} from "../../gen/partner/v1/partner_service_pb.ts";

type CreatePartnerInit = Exclude<
  MessageInitShape<typeof CreatePartnerRequestSchema>,
  { $typeName: string }
>;

/** Changes of the good request; undefined takes a field away. */
export type PartnerChanges = {
  [Field in keyof CreatePartnerInit]?: CreatePartnerInit[Field] | undefined;
};

/** A request that breaks no rule: the contract's own examples. */
export const examplePartner = {
  companyName: "Example Supplies Ltd",
  salesAmount: 150000,
  partnerType: PartnerType.CUSTOMER,
  email: "partner@example.com",
  frequency: "monthly",
  paymentTerms: "Net 30",
  address: "123 Main St, Suite 400",
  city: "New York",
  state: "NY",
  postalCode: "12345",
  companyRegistrationNumber: "123456789",
  countryCode: "US",
} as const satisfies CreatePartnerInit;

/** The same request as JSON callers write it. */
export const examplePartnerJson = { ...examplePartner, partnerType: "PARTNER_TYPE_CUSTOMER" };

/** The good request with the changes. */
export function partnerRequest(changes: PartnerChanges = {}): CreatePartnerRequest {
  const fields = Object.entries({ ...examplePartner, ...changes });
  return create(
    CreatePartnerRequestSchema,
    Object.fromEntries(fields.filter(([, value]) => value !== undefined)),
  );
}
