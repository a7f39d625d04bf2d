import { randomUUIDv7 } from "node:crypto";
import type { Pool } from "pg";
import type { NewPartner, StoredPartner } from "./partner.ts";

const columns = [
  ...["organization_id", "id", "created_at", "updated_at", "company_name", "sales_amount"],
  ...["partner_type", "email", "frequency", "payment_terms", "address", "city", "state"],
  ...["postal_code", "company_registration_number", "country_code", "invitation_status"],
  "revision",
];

/** One row, given a value for each column: `$1` and so on, or what else a client binds. */
export function insertStatement(values: readonly string[]): string {
  return `insert into partner (${columns.join(", ")}) values (${values.join(", ")})`;
}

const statement = insertStatement(columns.map((_, index) => `$${index + 1}`));

/**
 * Stores a partner with one INSERT, prepared on each connection, and returns what was stored. The
 * id and the times are made here, so that nothing has to be read back.
 */
export async function insertPartner(
  pool: Pool,
  organizationId: string,
  partner: NewPartner,
): Promise<StoredPartner> {
  const id = randomUUIDv7();
  const now = new Date().toISOString();
  await pool.query({
    name: "insert-partner",
    text: statement,
    values: [
      ...[organizationId, id, now, now, partner.companyName, partner.salesAmount],
      partner.partnerType === "PARTNER_TYPE_CUSTOMER" ? "customer" : "supplier",
      ...[partner.email, partner.frequency, partner.paymentTerms, partner.address, partner.city],
      ...[partner.state, partner.postalCode, partner.companyRegistrationNumber],
      ...[partner.countryCode ?? null, "invited", 1],
    ],
  });
  return {
    ...partner,
    id,
    organizationId,
    createdAt: now,
    updatedAt: now,
    invitationStatus: "INVITATION_STATUS_INVITED",
    etag: "r1",
  };
}
