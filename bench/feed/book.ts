import type { Client } from "pg";

/** As many as a batch has, in a transaction of their own. */
const rowsPerChange = 100;

/** Puts a book into the table as if it had been created batch by batch. */
export async function insertBook(client: Client, organizationId: string, size: number) {
  for (let first = 0; first < size; first += rowsPerChange) {
    await client.query({ name: "insert-book", text: insertSql, values: [organizationId, first] });
  }
  await client.query("vacuum analyze partner");
  await client.query("checkpoint");
}

const insertSql = `insert into partner (
    organization_id, id, created_at, updated_at, company_name, sales_amount, partner_type, email,
    frequency, payment_terms, address, city, state, postal_code, company_registration_number,
    country_code, invitation_status, revision, author_subject
  )
  select $1, uuidv7(), now(), now(), 'Example Supplies ' || number || ' Ltd', 150000, 'customer',
    number || '@example.com', 'monthly', 'Net 30', '123 Main St, Suite 400', 'New York', 'NY',
    '12345', '123456789', 'US', 'invited', 1, 'bench'
  from generate_series($2::int, $2::int + ${rowsPerChange - 1}) as number`;
