import { randomUUIDv7 } from "node:crypto";
import type { Client } from "pg";

/** An organization's partners, which reads find. */
export interface Book {
  readonly organizationId: string;
  /** In the order of the ids, which is that of creation. */
  readonly partnerIds: readonly string[];
  /** The one of them that is read by itself. */
  readonly partnerId: string;
}

const size = 1000;

export function createBook(organizationId: string): Book {
  const partnerId = randomUUIDv7();
  const others = Array.from({ length: size - 1 }, () => randomUUIDv7());
  return { organizationId, partnerIds: [partnerId, ...others].sort(), partnerId };
}

const insertBook = `
  insert into partner (
    organization_id, id, created_at, updated_at, company_name, sales_amount, partner_type, email,
    frequency, payment_terms, address, city, state, postal_code, company_registration_number,
    country_code, invitation_status, revision
  )
  select $1, id, now(), now(), 'Example Supplies ' || number || ' Ltd', 150000, 'customer',
    'partner@example.com', 'monthly', 'Net 30', '123 Main St, Suite 400', 'New York', 'NY', '12345',
    '123456789', 'US', 'invited', 1
  from unnest($2::uuid[]) with ordinality as book (id, number)`;

/** Puts the book into the table, and tells PostgreSQL what it holds. */
export async function insertPartners(
  client: Client,
  { organizationId, partnerIds }: Book,
): Promise<void> {
  await client.query(insertBook, [organizationId, partnerIds]);
  await client.query("vacuum analyze partner");
}
