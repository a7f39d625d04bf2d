import type { ServiceImpl } from "@connectrpc/connect";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import type { Changes } from "../changes/changes.ts";
import { askerOf, organizationsKey, required, uncached } from "../context.ts";
import type { PartnerRepository } from "../partners/partner-repository.ts";
import { createBatchRpc, type ToEntryError } from "./batch-rpc.ts";
import { createChangeRpcs } from "./change-rpcs.ts";
import { chooseWrites } from "./choose-writes.ts";
import { createConnectionRpcs } from "./connection-rpcs.ts";
import { createListRpc } from "./list-rpc.ts";
import { createChangeTokens, createPageTokens } from "./paging.ts";
import { toNewPartner, toPartnerMessage, toRevision } from "./partner-mapping.ts";
import { readPartnerChanges } from "./update-mask.ts";

/**
 * Implements the RPCs of PartnerService: from the message to the repository and back.
 *
 * @param tokenSecret what all processes of the service have in common, and nobody else knows: page tokens
 * and change tokens are sealed by it.
 */
export function createPartnerRpcs(
  partners: PartnerRepository,
  changes: Changes,
  tokenSecret: string | Uint8Array,
  toEntryError: ToEntryError,
): ServiceImpl<typeof PartnerService> {
  const pageTokens = createPageTokens(tokenSecret);
  return {
    async createPartner(request, { values, signal }) {
      const { target, writes, writer } = chooseWrites(partners, request, values);
      const partner = await writes.create(toNewPartner(request, target), signal, writer);
      return { partner: toPartnerMessage(partner) };
    },

    async getPartner({ id }, { values, signal, responseHeader }) {
      const { target } = required(values, organizationsKey);
      const key = { organizationId: target, id: id.toLowerCase() };
      const partner = await partners.find(key, signal);
      responseHeader.set(...uncached);
      return { partner: toPartnerMessage(partner) };
    },

    async updatePartner(request, context) {
      const { partner } = request;
      if (partner === undefined) {
        throw new Error("A request without a partner has passed validation.");
      }
      const { id, etag } = partner;
      const { target, writes, writer } = chooseWrites(partners, request, context.values, id);
      const changes = readPartnerChanges(request, partner);
      const version = { organizationId: target, id, revision: toRevision(etag) };
      const updated = await writes.update(version, changes, askerOf(context), writer);
      return { partner: toPartnerMessage(updated) };
    },

    async deletePartner(request, context) {
      const { id, etag } = request;
      const { target, writes, writer } = chooseWrites(partners, request, context.values, id);
      const version = { organizationId: target, id, revision: toRevision(etag) };
      await writes.delete(version, askerOf(context), writer);
      return {};
    },

    ...createBatchRpc(partners, toEntryError),
    ...createListRpc(partners, pageTokens),
    ...createConnectionRpcs(partners, pageTokens),
    ...createChangeRpcs(changes, createChangeTokens(tokenSecret)),
  };
}
