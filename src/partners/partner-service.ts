import type { Validator } from "@bufbuild/protovalidate";
import type { ServiceImpl } from "@connectrpc/connect";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { organizationsKey, required } from "../context.ts";
import { toNewBatch } from "./batch-request.ts";
import { toRevision } from "./etag.ts";
import { toListQuery, toListResponse } from "./list-request.ts";
import type { PartnerBook } from "./partner-book.ts";
import { readPartnerChanges } from "./partner-changes.ts";
import { toLifetime, toNewPartner, toPartnerMessage, toTimestamp } from "./partner-mapping.ts";

/** How long an invitation can be accepted, unless the request says otherwise: 30 days. */
const defaultLifetime = Temporal.Duration.from({ hours: 30 * 24 });

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

    async batchCreatePartners(request, { values, signal }) {
      const { target } = required(values, organizationsKey);
      const { newPartners, requestId } = toNewBatch(request, target);
      const partners = await book.insertAll(newPartners, requestId, signal);
      return { partners: partners.map(toPartnerMessage) };
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

    async invitePartner({ id, timeToLive }, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const lifetime = timeToLive === undefined ? defaultLifetime : toLifetime(timeToLive);
      const issued = await book.invite({ organizationId, id, lifetime }, signal);
      return {
        invitationToken: issued.token,
        expiresAt: toTimestamp(issued.expiresAt),
        partner: toPartnerMessage(issued.partner),
      };
    },

    async acceptInvitation({ invitationToken: token }, { values, signal }) {
      const { requester: guest, target: host } = required(values, organizationsKey);
      const partner = await book.accept({ host, guest, token }, signal);
      return { partner: toPartnerMessage(partner) };
    },
  };
}

/** A GET's URL does not tell whose book it is about, and access may end with the next call. */
function forbidCaching(header: Headers): void {
  header.set("Cache-Control", "no-store");
}
