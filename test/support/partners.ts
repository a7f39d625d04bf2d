import { randomUUID } from "node:crypto";
import type { NewPartner } from "../../src/partners/partner-entity.ts";

/** A new partner that breaks no rule, in an organization of its own unless told otherwise. */
export function newPartner(changes: Partial<NewPartner> = {}): NewPartner {
  return {
    organizationId: randomUUID(),
    companyName: "Example Supplies Ltd",
    salesAmount: 150_000,
    partnerType: "customer",
    email: "partner@example.com",
    frequency: "monthly",
    paymentTerms: "Net 30",
    address: "123 Main St, Suite 400",
    city: "New York",
    state: "NY",
    postalCode: "12345",
    companyRegistrationNumber: "123456789",
    countryCode: "US",
    requestId: null,
    ...changes,
  };
}
