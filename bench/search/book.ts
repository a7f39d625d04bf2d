import type { Client } from "pg";

const rowsPerStatement = 50_000;

/**
 * Puts a book into the table whose partners have names and addresses of their own, numbers in
 * hexadecimal; multiplication by an odd number scatters them.
 */
export async function insertNamedBook(client: Client, organizationId: string, size: number) {
  for (let first = 0; first < size; first += rowsPerStatement) {
    const last = Math.min(size, first + rowsPerStatement) - 1;
    await client.query(insertSql, [organizationId, first, last]);
  }
  await client.query("vacuum analyze partner");
  await client.query("checkpoint");
}

const insertSql = `insert into partner (
    organization_id, id, created_at, updated_at, company_name, sales_amount, partner_type, email,
    frequency, payment_terms, address, city, state, postal_code, company_registration_number,
    country_code, invitation_status, revision
  )
  select $1, uuidv7(), now(), now(), 'Company ' || name, 150000, 'customer',
    name || '@example.com', 'monthly', 'Net 30', '123 Main St, Suite 400', 'New York', 'NY',
    '12345', '123456789', 'US', 'invited', 1
  from generate_series($2::int, $3::int) as number,
    lateral (select to_hex(number * 2654435761 % 4294967296) as name) as named`;
