import type { ServiceImpl } from "@connectrpc/connect";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { organizationsKey, required } from "../context.ts";
import {
  openedRpcs,
  toConnection,
  toConnectionQuery,
  toConnectionsResponse,
} from "./connection-mapping.ts";
import { toListQuery, toListResponse } from "./list-request.ts";
import type { PageTokens } from "./paging.ts";
import { toNewBatch } from "./partner-batch.ts";
import { type FindViolations, readPartnerChanges } from "./partner-changes.ts";
import {
  partnerTypes,
  toLifetime,
  toNewPartner,
  toPartnerMessage,
  toRevision,
  toTimestamp,
} from "./partner-mapping.ts";
import type { PartnerRepository } from "./partner-repository.ts";

/** How long an invitation can be accepted, unless the request says otherwise: 30 days. */
const defaultLifetime = Temporal.Duration.from({ hours: 30 * 24 });

/** Implements the RPCs of PartnerService: from the message to the repository and back. */
export function createPartnerRpcs(
  partners: PartnerRepository,
  findViolations: FindViolations,
  pageTokens: PageTokens,
): ServiceImpl<typeof PartnerService> {
  return {
    async createPartner(request, { values, signal }) {
      const { target } = required(values, organizationsKey);
      const partner = await partners.create(toNewPartner(request, target), signal);
      return { partner: toPartnerMessage(partner) };
    },

    async batchCreatePartners(request, { values, signal }) {
      const { target } = required(values, organizationsKey);
      const created = await partners.createBatch(toNewBatch(request, target), signal);
      return { partners: created.map(toPartnerMessage) };
    },

    async getPartner({ id }, { values, signal, responseHeader }) {
      const { target } = required(values, organizationsKey);
      const key = { organizationId: target, id: id.toLowerCase() };
      const partner = await partners.find(key, signal);
      forbidCaching(responseHeader);
      return { partner: toPartnerMessage(partner) };
    },

    async listPartners(request, { values, signal, responseHeader }) {
      const { target } = required(values, organizationsKey);
      const list = toListQuery(request, target, pageTokens);
      const page = await partners.list(list, signal);
      forbidCaching(responseHeader);
      return toListResponse(list, page, pageTokens);
    },

    async updatePartner(request, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const { partner } = request;
      if (partner === undefined) {
        throw new Error("A request without a partner has passed validation.");
      }
      const changes = readPartnerChanges(request, partner, findViolations);
      const version = { organizationId, id: partner.id, revision: toRevision(partner.etag) };
      const updated = await partners.update(version, changes, signal);
      return { partner: toPartnerMessage(updated) };
    },

    async deletePartner({ id, etag }, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      await partners.delete({ organizationId, id, revision: toRevision(etag) }, signal);
      return {};
    },

    async invitePartner({ id, timeToLive }, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const lifetime = timeToLive === undefined ? defaultLifetime : toLifetime(timeToLive);
      const issued = await partners.invite({ organizationId, id, lifetime }, signal);
      return {
        invitationToken: issued.token,
        expiresAt: toTimestamp(issued.expiresAt),
        partner: toPartnerMessage(issued.partner),
      };
    },

    async revokeInvitation({ id }, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const partner = await partners.revokeInvitation({ organizationId, id }, signal);
      return { partner: toPartnerMessage(partner) };
    },

    async getInvitation({ invitationToken: token }, { values, signal }) {
      const { requester: guest, target: host } = required(values, organizationsKey);
      const shown = await partners.findInvitation({ host, guest, token }, signal);
      return {
        hostOrganizationId: host,
        partnerType: partnerTypes[shown.partnerType],
        expiresAt: toTimestamp(shown.expiresAt),
        openedRpcs: [...openedRpcs],
      };
    },

    async acceptInvitation({ invitationToken: token }, { values, signal }) {
      const { requester: guest, target: host } = required(values, organizationsKey);
      const partner = await partners.accept({ host, guest, token }, signal);
      return { partner: toPartnerMessage(partner) };
    },

    async listConnections(request, { values, signal, responseHeader }) {
      const { target } = required(values, organizationsKey);
      const list = toConnectionQuery(request, target, pageTokens);
      const page = await partners.listConnections(list, signal);
      forbidCaching(responseHeader);
      return toConnectionsResponse(list, page, pageTokens);
    },

    async endConnection({ organizationId, role }, { values, signal }) {
      const { target } = required(values, organizationsKey);
      await partners.endConnection(toConnection(role, target, organizationId), signal);
      return {};
    },
  };
}

/** A GET's URL does not tell whose book it is about, and access may end with the next call. */
function forbidCaching(header: Headers): void {
  header.set("Cache-Control", "no-store");
}
