import { create } from "@bufbuild/protobuf";
import type { Client } from "pg";
import {
  ListPartnersRequestSchema,
  PartnerOrderField,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { pageStatement } from "../../src/partners/list-statements.ts";
import { toListQuery } from "../../src/rpcs/list-rpc.ts";
import { createPageTokens } from "../../src/rpcs/paging.ts";
import { medianOf, timed } from "./timed.ts";

/** What an index for an order would bring, and what it would cost each create. */
export interface IndexWeight {
  readonly column: string;
  /** The first page by this order, in milliseconds. */
  readonly pageMs: number;
  readonly pageWithIndexMs: number;
  /** How many times as long an insert takes with the index. */
  readonly insertFactor: number;
  readonly megabytes: number;
}

/** The orders that have no index. */
const columns = ["sales_amount", "partner_type", "email", "frequency", "payment_terms"] as const;
const rounds = 5;
const insertedRows = 5000;

/** New rows like those that are there, and rolled back: all but the keys is copied. */
const insertSql = `insert into partner (organization_id, id, created_at, updated_at, company_name,
    sales_amount, partner_type, email, frequency, payment_terms, address, city, state, postal_code,
    company_registration_number, country_code, invitation_status, revision)
  select organization_id, uuidv7(), now(), now(), company_name, sales_amount, partner_type,
    email, frequency, payment_terms, address, city, state, postal_code,
    company_registration_number, country_code, invitation_status, revision
  from partner order by id limit ${insertedRows}`;

/** Makes each index in turn on the book that is there, and drops it again. */
export async function weighIndexes(
  client: Client,
  organization: string,
): Promise<readonly IndexWeight[]> {
  const weights: IndexWeight[] = [];
  for (const column of columns) {
    const page = () => pageTime(client, organization, column);
    const before = { page: await page(), insert: await insertTime(client) };
    await client.query(`create index bench_order on partner (organization_id, ${column}, id)
      where deleted_at is null`);
    await client.query("vacuum analyze partner");
    const after = { page: await page(), insert: await insertTime(client) };
    const { rows } = await client.query<{ bytes: string }>(
      "select pg_relation_size('bench_order') as bytes",
    );
    await client.query("drop index bench_order");
    await client.query("vacuum analyze partner");
    weights.push({
      column,
      pageMs: before.page,
      pageWithIndexMs: after.page,
      insertFactor: after.insert / before.insert,
      megabytes: Number(rows[0]?.bytes) / 1e6,
    });
  }
  return weights;
}

async function pageTime(
  client: Client,
  organization: string,
  column: (typeof columns)[number],
): Promise<number> {
  // The contract's names are those of the columns, in capitals.
  const name = column.toUpperCase() as Uppercase<typeof column>;
  const request = create(ListPartnersRequestSchema, { order: { field: PartnerOrderField[name] } });
  const { text, values } = pageStatement(
    "partner",
    "*",
    toListQuery(request, organization, createPageTokens("")),
  );
  return medianOf(rounds, () => timed(() => client.query(text, [...values])));
}

async function insertTime(client: Client): Promise<number> {
  return medianOf(rounds, async () => {
    await client.query("begin");
    const ms = await timed(() => client.query(insertSql));
    await client.query("rollback");
    return ms;
  });
}
