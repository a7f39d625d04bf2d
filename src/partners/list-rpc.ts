import type { ServiceImpl } from "@connectrpc/connect";
import { InvitationStatus } from "../../gen/partner/v1/partner_pb.ts";
import {
  type ListPartnersRequest,
  ListPartnersResponseSchema,
  OrderDirection,
  PartnerOrderField,
  type PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { organizationsKey, required, uncached } from "../context.ts";
import type { OrderColumn } from "./list-statements.ts";
import { createPageSizes, type PageTokens } from "./paging.ts";
import type { Partner } from "./partner-entity.ts";
import type { ListPosition, ListQuery } from "./partner-list.ts";
import { toPartnerMessage, toStoredType } from "./partner-mapping.ts";
import type { PartnerRepository } from "./partner-repository.ts";

const toPageSize = createPageSizes(ListPartnersResponseSchema.field.partners);

/** The columns of the fields other than creation, which is the default. */
const orderColumns: Readonly<Partial<Record<PartnerOrderField, OrderColumn>>> = {
  [PartnerOrderField.COMPANY_NAME]: "company_name",
  [PartnerOrderField.SALES_AMOUNT]: "sales_amount",
  [PartnerOrderField.PARTNER_TYPE]: "partner_type",
  [PartnerOrderField.EMAIL]: "email",
  [PartnerOrderField.FREQUENCY]: "frequency",
  [PartnerOrderField.PAYMENT_TERMS]: "payment_terms",
};

/** Implements the RPC that lists partners. */
export function createListRpc(partners: PartnerRepository, pageTokens: PageTokens) {
  return {
    async listPartners(request, { values, signal, responseHeader }) {
      const { requester, target } = required(values, organizationsKey);
      const list = toListQuery(request, target, pageTokens);
      const page = await partners.list(list, requester, signal);
      responseHeader.set(...uncached);
      const last = page.more ? page.partners.at(-1) : undefined;
      return {
        partners: page.partners.map(toPartnerMessage),
        nextPageToken:
          last === undefined ? "" : pageTokens.write(identityOf(list), positionOf(last, list)),
        ...(page.totalSize === undefined ? {} : { totalSize: page.totalSize }),
      };
    },
  } satisfies Partial<ServiceImpl<typeof PartnerService>>;
}

/**
 * The page that a validated request asks for.
 *
 * @throws PartnerError FIELD_INVALID when the page token is not one of this list.
 */
export function toListQuery(
  request: ListPartnersRequest,
  organizationId: string,
  pageTokens: PageTokens,
): ListQuery {
  const { pageSize, pageToken, filters, order, includeTotalSize } = request;
  const list = {
    organizationId,
    filters: {
      partnerTypes: (filters?.partnerTypes ?? []).map(toStoredType),
      ids: (filters?.ids ?? []).map((id) => id.toLowerCase()),
      invitationStatuses: (filters?.invitationStatuses ?? []).map(toStoredStatus),
      text: filters?.text,
      externalIds: filters?.externalIds ?? [],
      companyRegistrationNumbers: filters?.companyRegistrationNumbers ?? [],
    },
    orderBy: orderColumns[order?.field ?? PartnerOrderField.UNSPECIFIED] ?? "id",
    descending: order?.direction === OrderDirection.DESCENDING,
  };
  return {
    ...list,
    after: pageTokens.read<ListPosition>(identityOf(list), pageToken),
    pageSize: toPageSize(pageSize),
    countAll: includeTotalSize,
  };
}

type List = Pick<ListQuery, "organizationId" | "filters" | "orderBy" | "descending">;

/** What tells lists apart: organization, filters and order. */
function identityOf({ organizationId, filters, orderBy, descending }: List) {
  const { partnerTypes, ids, invitationStatuses, text = null } = filters;
  const sets = [partnerTypes, ids, invitationStatuses].map((set) => [...set].sort());
  const { externalIds, companyRegistrationNumbers } = filters;
  // Only where they are given, so that the tokens of a release that does not know them stay good.
  const named = Object.entries({ externalIds, companyRegistrationNumbers })
    .filter(([, set]) => set.length > 0)
    .map(([name, set]) => [name, ...[...set].sort()]);
  return ["partners", organizationId, ...sets, text, orderBy, descending, ...named];
}

function positionOf(partner: Partner, { orderBy }: ListQuery): ListPosition {
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

/** The stored form of a validated invitation status. */
function toStoredStatus(status: InvitationStatus): Partner["invitationStatus"] {
  switch (status) {
    case InvitationStatus.INVITED:
      return "invited";
    case InvitationStatus.ACCEPTED:
      return "accepted";
    default:
      throw new Error("A request with an unknown invitation_status has passed validation.");
  }
}
