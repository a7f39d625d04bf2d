import type { Duration } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { organizationsKey, required, uncached } from "../context.ts";
import {
  openedRpcs,
  toConnection,
  toConnectionQuery,
  toConnectionsResponse,
} from "./connection-mapping.ts";
import type { PageTokens } from "./paging.ts";
import { partnerTypes, toPartnerMessage, toTimestamp } from "./partner-mapping.ts";
import { chooseWrites } from "./partner-rehearsal.ts";
import type { PartnerRepository } from "./partner-repository.ts";

/** The RPCs by which partners become connected organizations, and cease to be. */
type ConnectionRpcs = Pick<
  ServiceImpl<typeof PartnerService>,
  | "invitePartner"
  | "revokeInvitation"
  | "getInvitation"
  | "acceptInvitation"
  | "listConnections"
  | "endConnection"
>;

/** How long an invitation can be accepted, unless the request says otherwise: 30 days. */
const defaultLifetime = Temporal.Duration.from({ hours: 30 * 24 });

/** Implements the RPCs about invitations and connections. */
export function createConnectionRpcs(
  partners: PartnerRepository,
  pageTokens: PageTokens,
): ConnectionRpcs {
  return {
    async invitePartner(request, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const { id, timeToLive, validateOnly } = request;
      const lifetime = timeToLive === undefined ? defaultLifetime : toLifetime(timeToLive);
      const { writes, noteChange } = chooseWrites(partners, request, values, id);
      const issued = await writes.invite({ organizationId, id, lifetime }, signal, noteChange);
      return {
        // One that nothing knows is none.
        invitationToken: validateOnly ? "" : issued.token,
        expiresAt: toTimestamp(issued.expiresAt),
        partner: toPartnerMessage(issued.partner),
      };
    },

    async revokeInvitation(request, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const key = { organizationId, id: request.id };
      const { writes, noteChange } = chooseWrites(partners, request, values, request.id);
      const partner = await writes.revokeInvitation(key, signal, noteChange);
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

    async acceptInvitation(request, { values, signal }) {
      const { requester: guest, target: host } = required(values, organizationsKey);
      const { writes, noteChange } = chooseWrites(partners, request, values);
      const acceptance = { host, guest, token: request.invitationToken };
      const partner = await writes.accept(acceptance, signal, noteChange);
      return { partner: toPartnerMessage(partner) };
    },

    async listConnections(request, { values, signal, responseHeader }) {
      const { target } = required(values, organizationsKey);
      const list = toConnectionQuery(request, target, pageTokens);
      const page = await partners.listConnections(list, signal);
      responseHeader.set(...uncached);
      return toConnectionsResponse(list, page, pageTokens);
    },

    async endConnection(request, { values, signal }) {
      const { target } = required(values, organizationsKey);
      const { writes, noteChange } = chooseWrites(partners, request, values);
      const connection = toConnection(request.role, target, request.organizationId);
      await writes.endConnection(connection, signal, noteChange);
      return {};
    },
  };
}

/** The duration in whole microseconds, which is what the database can hold. */
function toLifetime({ seconds, nanos }: Duration): Temporal.Duration {
  return Temporal.Duration.from({
    seconds: Number(seconds),
    microseconds: Math.floor(nanos / 1000),
  });
}
