import type { ServiceImpl } from "@connectrpc/connect";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { changesOf, organizationsKey, required, uncached } from "../context.ts";
import type { ChangeTokens } from "./change-request.ts";
import { createChangeRpcs } from "./change-rpcs.ts";
import { createConnectionRpcs } from "./connection-rpcs.ts";
import { toListQuery, toListResponse } from "./list-request.ts";
import type { PageTokens } from "./paging.ts";
import { toNewBatch } from "./partner-batch.ts";
import { readPartnerChanges } from "./partner-changes.ts";
import { toNewPartner, toPartnerMessage, toRevision } from "./partner-mapping.ts";
import type { PartnerRepository } from "./partner-repository.ts";

/** Implements the RPCs of PartnerService: from the message to the repository and back. */
export function createPartnerRpcs(
  partners: PartnerRepository,
  pageTokens: PageTokens,
  changeTokens: ChangeTokens,
): ServiceImpl<typeof PartnerService> {
  return {
    async createPartner(request, { values, signal }) {
      const { target } = required(values, organizationsKey);
      const newPartner = toNewPartner(request, target);
      const partner = await partners.create(newPartner, signal, changesOf(values));
      return { partner: toPartnerMessage(partner) };
    },

    async batchCreatePartners(request, { values, signal }) {
      const { target } = required(values, organizationsKey);
      const batch = toNewBatch(request, target);
      const created = await partners.createBatch(batch, signal, changesOf(values));
      return { partners: created.map(toPartnerMessage) };
    },

    async getPartner({ id }, { values, signal, responseHeader }) {
      const { target } = required(values, organizationsKey);
      const key = { organizationId: target, id: id.toLowerCase() };
      const partner = await partners.find(key, signal);
      responseHeader.set(...uncached);
      return { partner: toPartnerMessage(partner) };
    },

    async listPartners(request, { values, signal, responseHeader }) {
      const { target } = required(values, organizationsKey);
      const list = toListQuery(request, target, pageTokens);
      const page = await partners.list(list, signal);
      responseHeader.set(...uncached);
      return toListResponse(list, page, pageTokens);
    },

    async updatePartner(request, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const { partner } = request;
      if (partner === undefined) {
        throw new Error("A request without a partner has passed validation.");
      }
      const noteChange = changesOf(values, partner.id);
      const changes = readPartnerChanges(request, partner);
      const version = { organizationId, id: partner.id, revision: toRevision(partner.etag) };
      const updated = await partners.update(version, changes, signal, noteChange);
      return { partner: toPartnerMessage(updated) };
    },

    async deletePartner({ id, etag }, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const version = { organizationId, id, revision: toRevision(etag) };
      await partners.delete(version, signal, changesOf(values, id));
      return {};
    },

    ...createConnectionRpcs(partners, pageTokens),
    ...createChangeRpcs(partners, changeTokens),
  };
}
