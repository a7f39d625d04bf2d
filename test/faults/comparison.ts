import { type Partner, PartnerType } from "../../gen/partner/v1/partner_pb.ts";
import type { FaultyPostgres } from "./faulty-postgres.ts";
import type { Acknowledged } from "./load.ts";

/** What callers were told, held against what the table has. */
export interface Comparison {
  /** Creates that were answered with a partner. */
  readonly acknowledged: number;
  /** Rows of the organization. */
  readonly found: number;
  /** Acknowledged creates without a row. */
  readonly lost: number;
  /** Rows beyond the first of one create. */
  readonly duplicated: number;
  /** Acknowledged creates whose row differs from the request or from the answer. */
  readonly altered: number;
}

interface Row {
  readonly id: string;
  readonly company_name: string;
  readonly request_id: string;
}

/** Compares what was acknowledged with the rows of the organization. */
export async function compareWithTable(
  postgres: Pick<FaultyPostgres, "query">,
  organization: string,
  acknowledged: readonly Acknowledged[],
): Promise<Comparison> {
  const rows = await postgres.query<Row>(
    `select id, request_id, company_name, sales_amount, partner_type, email, frequency,
        payment_terms, address, city, state, postal_code, company_registration_number,
        country_code, invitation_status, guest_organization_id, revision, deleted_at,
        (extract(epoch from created_at) * 1000000)::bigint::text as created_at,
        (extract(epoch from updated_at) * 1000000)::bigint::text as updated_at
      from partner where organization_id = $1`,
    [organization],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const stored = acknowledged.map((each) => ({ each, row: byId.get(each.partner.id) }));
  return {
    acknowledged: acknowledged.length,
    found: rows.length,
    lost: stored.filter(({ row }) => row === undefined).length,
    // Each create has a company name and a request id of its own.
    duplicated:
      rows.length -
      Math.min(
        new Set(rows.map((row) => row.company_name)).size,
        new Set(rows.map((row) => row.request_id)).size,
      ),
    altered: stored.filter(({ each, row }) => row !== undefined && !isSame(row, expectedRow(each)))
      .length,
  };
}

function isSame(row: Row, expected: Record<string, unknown>): boolean {
  const sorted = (value: object) => JSON.stringify(Object.entries(value).sort());
  return sorted(row) === sorted(expected);
}

/** The business fields as the request has them, the others as the answer does. */
function expectedRow({ request, partner }: Acknowledged): Record<string, unknown> {
  return {
    id: partner.id,
    request_id: request.requestId,
    company_name: request.companyName,
    sales_amount: request.salesAmount,
    partner_type: request.partnerType === PartnerType.CUSTOMER ? "customer" : "supplier",
    email: request.email,
    frequency: request.frequency,
    payment_terms: request.paymentTerms,
    address: request.address,
    city: request.city,
    state: request.state,
    postal_code: request.postalCode,
    company_registration_number: request.companyRegistrationNumber,
    country_code: request.countryCode,
    invitation_status: "invited",
    guest_organization_id: null,
    revision: 1,
    deleted_at: null,
    created_at: microseconds(partner.createdAt),
    updated_at: microseconds(partner.updatedAt),
  };
}

function microseconds(timestamp: Partner["createdAt"]): string | undefined {
  return timestamp && String(timestamp.seconds * 1_000_000n + BigInt(timestamp.nanos) / 1000n);
}
