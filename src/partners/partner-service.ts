import type { ServiceImpl } from "@connectrpc/connect";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { organizationsKey, required } from "../context.ts";
import { toListQuery, toListResponse } from "./list-request.ts";
import type { PartnerBook } from "./partner-book.ts";
import { toNewPartner, toPartnerMessage } from "./partner-mapping.ts";

/** Implements the RPCs of PartnerService: from request to the book and back. */
export function createPartnerService(book: PartnerBook): ServiceImpl<typeof PartnerService> {
  return {
    async createPartner(request, { values, signal }) {
      const { target } = required(values, organizationsKey);
      const partner = await book.insert(toNewPartner(request, target), signal);
      return { partner: toPartnerMessage(partner) };
    },

    async getPartner({ id }, { values, signal, responseHeader }) {
      const { target } = required(values, organizationsKey);
      const partner = await book.find(target, id, signal);
      forbidCaching(responseHeader);
      return { partner: toPartnerMessage(partner) };
    },

    async listPartners(request, { values, signal, responseHeader }) {
      const { target } = required(values, organizationsKey);
      const list = toListQuery(request, target);
      const page = await book.list(list, signal);
      forbidCaching(responseHeader);
      return toListResponse(list, page);
    },
  };
}

/** A GET's URL does not tell whose book it is about, and access may end with the next call. */
function forbidCaching(header: Headers): void {
  header.set("Cache-Control", "no-store");
}
