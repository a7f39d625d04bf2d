import type { Validator } from "@bufbuild/protovalidate";
import type { ServiceImpl } from "@connectrpc/connect";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { organizationsKey, required } from "../context.ts";
import { toRevision } from "./etag.ts";
import { toListQuery, toListResponse } from "./list-request.ts";
import type { PartnerBook } from "./partner-book.ts";
import { readPartnerChanges } from "./partner-changes.ts";
import { toNewPartner, toPartnerMessage } from "./partner-mapping.ts";

/** Implements the RPCs of PartnerService: from request to the book and back. */
export function createPartnerService(
  book: PartnerBook,
  validator: Validator,
): ServiceImpl<typeof PartnerService> {
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

    async updatePartner(request, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const { partner } = request;
      if (partner === undefined) {
        throw new Error("A request without a partner has passed validation.");
      }
      const changes = readPartnerChanges(request, partner, validator);
      const version = { organizationId, id: partner.id, revision: toRevision(partner.etag) };
      return { partner: toPartnerMessage(await book.update(version, changes, signal)) };
    },

    async deletePartner({ id, etag }, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      await book.delete({ organizationId, id, revision: toRevision(etag) }, signal);
      return {};
    },
  };
}

/** A GET's URL does not tell whose book it is about, and access may end with the next call. */
function forbidCaching(header: Headers): void {
  header.set("Cache-Control", "no-store");
}
