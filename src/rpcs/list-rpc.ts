import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ListPartnersRequest,
  ListPartnersResponseSchema,
  OrderDirection,
  PartnerOrderField,
  type PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { askerOf, organizationsKey, required, uncached } from "../context.ts";
import {
  type ListPosition,
  type ListQuery,
  type OrderColumn,
  orderColumns,
} from "../partners/list-statements.ts";
import type { PartnerRepository } from "../partners/partner-repository.ts";
import { createPageSizes, type PageTokens } from "./paging.ts";
import { toPartnerMessage, toStoredStatus, toStoredType } from "./partner-mapping.ts";

const toPageSize = createPageSizes(ListPartnersResponseSchema.field.partners);

/** The columns of the fields other than creation, which is the default. */
const columnsOfFields: Readonly<Partial<Record<PartnerOrderField, OrderColumn>>> = {
  [PartnerOrderField.COMPANY_NAME]: "company_name",
  [PartnerOrderField.SALES_AMOUNT]: "sales_amount",
  [PartnerOrderField.PARTNER_TYPE]: "partner_type",
  [PartnerOrderField.EMAIL]: "email",
  [PartnerOrderField.FREQUENCY]: "frequency",
  [PartnerOrderField.PAYMENT_TERMS]: "payment_terms",
};

export function createListRpc(partners: PartnerRepository, pageTokens: PageTokens) {
  return {
    async listPartners(request, context) {
      const { target } = required(context.values, organizationsKey);
      const list = toListQuery(request, target, pageTokens);
      const page = await partners.list(list, askerOf(context));
      context.responseHeader.set(...uncached);
      const last = page.more ? page.partners.at(-1) : undefined;
      const position = last && { value: last[orderColumns[list.orderBy].property], id: last.id };
      return {
        partners: page.partners.map(toPartnerMessage),
        nextPageToken: position ? pageTokens.write(identityOf(list), position) : "",
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
    anyOf: {
      partner_type: (filters?.partnerTypes ?? []).map(toStoredType),
      id: (filters?.ids ?? []).map((id) => id.toLowerCase()),
      invitation_status: (filters?.invitationStatuses ?? []).map(toStoredStatus),
      external_id: filters?.externalIds ?? [],
      company_registration_number: filters?.companyRegistrationNumbers ?? [],
    },
    text: filters?.text,
    orderBy: columnsOfFields[order?.field ?? PartnerOrderField.UNSPECIFIED] ?? "id",
    descending: order?.direction === OrderDirection.DESCENDING,
  };
  return {
    ...list,
    after: pageTokens.read<ListPosition>(identityOf(list), pageToken),
    pageSize: toPageSize(pageSize),
    countAll: includeTotalSize,
  };
}

type List = Pick<ListQuery, "organizationId" | "anyOf" | "text" | "orderBy" | "descending">;

/** What tells lists apart: organization, filters and order. */
function identityOf({ organizationId, anyOf, text, orderBy, descending }: List) {
  const sorted = (column: keyof typeof anyOf) => [...(anyOf[column] ?? [])].sort();
  const sets = [sorted("partner_type"), sorted("id"), sorted("invitation_status")];
  // Only where they are given, so that the tokens of a release that does not know them stay good.
  const named = [
    ["externalIds", ...sorted("external_id")],
    ["companyRegistrationNumbers", ...sorted("company_registration_number")],
  ].filter(({ length }) => length > 1);
  return ["partners", organizationId, ...sets, text ?? null, orderBy, descending, ...named];
}
