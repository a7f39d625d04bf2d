import {
  type ListPartnersRequest,
  type ListPartnersResponse,
  OrderDirection,
  PartnerOrderField,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { readPageToken, writePageToken } from "./page-token.ts";
import type { Partner } from "./partner-entity.ts";
import { fieldsInvalid } from "./partner-error.ts";
import {
  defaultPageSize,
  type ListQuery,
  type OrderColumn,
  type PartnerPage,
} from "./partner-list.ts";
import { toPartnerMessage, toStoredStatus, toStoredType } from "./partner-mapping.ts";

/** The columns of the fields other than creation, which is the default. */
const orderColumns: Readonly<Partial<Record<PartnerOrderField, OrderColumn>>> = {
  [PartnerOrderField.COMPANY_NAME]: "company_name",
  [PartnerOrderField.SALES_AMOUNT]: "sales_amount",
  [PartnerOrderField.PARTNER_TYPE]: "partner_type",
  [PartnerOrderField.EMAIL]: "email",
  [PartnerOrderField.FREQUENCY]: "frequency",
  [PartnerOrderField.PAYMENT_TERMS]: "payment_terms",
};

/**
 * The page that a validated request asks for.
 *
 * @throws PartnerError FIELD_INVALID when the page token is not one of this list.
 */
export function toListQuery(request: ListPartnersRequest, organizationId: string): ListQuery {
  const { pageSize, pageToken, filters, order, includeTotalSize } = request;
  const list = {
    organizationId,
    filters: {
      partnerTypes: (filters?.partnerTypes ?? []).map(toStoredType),
      ids: (filters?.ids ?? []).map((id) => id.toLowerCase()),
      invitationStatuses: (filters?.invitationStatuses ?? []).map(toStoredStatus),
      text: filters?.text,
    },
    orderBy: orderColumns[order?.field ?? PartnerOrderField.UNSPECIFIED] ?? "id",
    descending: order?.direction === OrderDirection.DESCENDING,
  };
  const after = pageToken === "" ? undefined : readPageToken(list, pageToken);
  if (pageToken !== "" && after === undefined) {
    throw fieldsInvalid([
      {
        field: "page_token",
        description: "is not a next_page_token of this list",
        reason: "page_token",
      },
    ]);
  }
  return { ...list, after, pageSize: pageSize || defaultPageSize, countAll: includeTotalSize };
}

/** The page as the contract shows it. */
export function toListResponse(
  list: ListQuery,
  { partners, more, totalSize }: PartnerPage,
): Omit<ListPartnersResponse, "$typeName"> {
  const last = partners.at(-1);
  return {
    partners: partners.map(toPartnerMessage),
    nextPageToken: more && last !== undefined ? writePageToken(list, positionOf(last, list)) : "",
    ...(totalSize === undefined ? {} : { totalSize }),
  };
}

function positionOf(partner: Partner, { orderBy }: ListQuery) {
  const values = {
    id: partner.id,
    company_name: partner.companyName,
    sales_amount: partner.salesAmount,
    partner_type: partner.partnerType,
    email: partner.email,
    frequency: partner.frequency,
    payment_terms: partner.paymentTerms,
  } satisfies Record<OrderColumn, string | number>;
  return { value: values[orderBy], id: partner.id };
}
