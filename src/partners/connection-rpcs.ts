import type { Duration } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { changesOf, organizationsKey, required, uncached } from "../context.ts";
import {
  openedRpcs,
  toConnection,
  toConnectionQuery,
  toConnectionsResponse,
} from "./connection-mapping.ts";
import type { PageTokens } from "./paging.ts";
import { partnerTypes, toPartnerMessage, toTimestamp } from "./partner-mapping.ts";
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
    async invitePartner({ id, timeToLive }, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const lifetime = timeToLive === undefined ? defaultLifetime : toLifetime(timeToLive);
      const noteChange = changesOf(values, id);
      const issued = await partners.invite({ organizationId, id, lifetime }, signal, noteChange);
      return {
        invitationToken: issued.token,
        expiresAt: toTimestamp(issued.expiresAt),
        partner: toPartnerMessage(issued.partner),
      };
    },

    async revokeInvitation({ id }, { values, signal }) {
      const { target: organizationId } = required(values, organizationsKey);
      const noteChange = changesOf(values, id);
      const partner = await partners.revokeInvitation({ organizationId, id }, signal, noteChange);
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
      const partner = await partners.accept({ host, guest, token }, signal, changesOf(values));
      return { partner: toPartnerMessage(partner) };
    },

    async listConnections(request, { values, signal, responseHeader }) {
      const { target } = required(values, organizationsKey);
      const list = toConnectionQuery(request, target, pageTokens);
      const page = await partners.listConnections(list, signal);
      responseHeader.set(...uncached);
      return toConnectionsResponse(list, page, pageTokens);
    },

    async endConnection({ organizationId, role }, { values, signal }) {
      const { target } = required(values, organizationsKey);
      const connection = toConnection(role, target, organizationId);
      await partners.endConnection(connection, signal, changesOf(values));
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
