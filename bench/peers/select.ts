import type { Pool } from "pg";
import type { StoredPartner } from "./partner.ts";

/** What the statements below select, as pg reads it. */
interface Row {
  id: string;
  organizationId: string;
  createdAt: Date;
  updatedAt: Date;
  companyName: string;
  salesAmount: number;
  partnerType: "customer" | "supplier";
  email: string;
  frequency: string;
  paymentTerms: string;
  address: string;
  city: string;
  state: string;
  postalCode: string;
  companyRegistrationNumber: string;
  countryCode: string | null;
  invitationStatus: "invited" | "accepted";
  guestOrganizationId: string | null;
  revision: number;
}

const selection = `
  select id, organization_id as "organizationId", created_at as "createdAt",
    updated_at as "updatedAt", company_name as "companyName", sales_amount as "salesAmount",
    partner_type as "partnerType", email, frequency, payment_terms as "paymentTerms", address, city,
    state, postal_code as "postalCode", company_registration_number as "companyRegistrationNumber",
    country_code as "countryCode", invitation_status as "invitationStatus",
    guest_organization_id as "guestOrganizationId", revision
  from partner`;

const selectOne = `${selection} where organization_id = $1 and id = $2 and deleted_at is null`;

const selectPage = `${selection}
  where organization_id = $1 and id > $2 and deleted_at is null order by id limit $3`;

/** Less than every id that is given to a partner. */
const beforeFirst = "00000000-0000-0000-0000-000000000000";

/** A partner of the book, read with one SELECT, prepared on each connection. */
export async function findPartner(
  pool: Pool,
  organizationId: string,
  id: string,
): Promise<StoredPartner | undefined> {
  const { rows } = await pool.query<Row>({
    name: "select-partner",
    text: selectOne,
    values: [organizationId, id],
  });
  return rows[0] && toPartner(rows[0]);
}

/** The oldest partners of the book that are younger than this one, likewise. */
export async function listPartners(
  pool: Pool,
  organizationId: string,
  pageSize: number,
  pageToken = beforeFirst,
): Promise<{ readonly partners: readonly StoredPartner[]; readonly nextPageToken: string }> {
  const { rows } = await pool.query<Row>({
    name: "select-page",
    text: selectPage,
    // One more than the page holds tells whether another one follows.
    values: [organizationId, pageToken, pageSize + 1],
  });
  const partners = rows.slice(0, pageSize).map(toPartner);
  const nextPageToken = rows.length > pageSize ? (partners.at(-1)?.id ?? "") : "";
  return { partners, nextPageToken };
}

function toPartner(row: Row): StoredPartner {
  const { countryCode, guestOrganizationId } = row;
  return {
    id: row.id,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    organizationId: row.organizationId,
    companyName: row.companyName,
    salesAmount: row.salesAmount,
    partnerType: row.partnerType === "customer" ? "PARTNER_TYPE_CUSTOMER" : "PARTNER_TYPE_SUPPLIER",
    email: row.email,
    frequency: row.frequency,
    paymentTerms: row.paymentTerms,
    address: row.address,
    city: row.city,
    state: row.state,
    postalCode: row.postalCode,
    companyRegistrationNumber: row.companyRegistrationNumber,
    ...(countryCode === null ? {} : { countryCode }),
    invitationStatus:
      row.invitationStatus === "invited"
        ? "INVITATION_STATUS_INVITED"
        : "INVITATION_STATUS_ACCEPTED",
    ...(guestOrganizationId === null ? {} : { guestOrganizationId }),
    etag: `r${row.revision}`,
  };
}
