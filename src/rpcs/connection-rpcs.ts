import { getOption } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { access_rule, Scenario } from "../../gen/access/v1/access_pb.ts";
import {
  type Connection as ConnectionMessage,
  ConnectionRole,
  ListConnectionsResponseSchema,
  PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { askerOf, organizationsKey, required, uncached } from "../context.ts";
import {
  allRoles,
  type Connection,
  type ConnectionPosition,
  type ListedConnection,
} from "../partners/connections.ts";
import type { PartnerRepository } from "../partners/partner-repository.ts";
import { chooseWrites } from "./choose-writes.ts";
import { createPageSizes, type PageTokens } from "./paging.ts";
import { partnerTypes, toPartnerMessage, toTimestamp } from "./partner-mapping.ts";

/** How long an invitation can be accepted, unless the request says otherwise: 30 days. */
const defaultLifetime = Temporal.Duration.from({ hours: 30 * 24 });

const toPageSize = createPageSizes(ListConnectionsResponseSchema.field.connections);

const roles = {
  host: ConnectionRole.HOST,
  guest: ConnectionRole.GUEST,
} as const satisfies Record<keyof Connection, ConnectionRole>;

/**
 * What an acceptance opens to the host: the RPCs of which the contract says that a host may call them
 * for its guest.
 */
const openedRpcs: readonly string[] = PartnerService.methods
  .filter((method) => getOption(method, access_rule).scenarios.includes(Scenario.HOST))
  .map(({ parent, name }) => `${parent.typeName}.${name}`);

/** Implements the RPCs by which partners become connected organizations, and cease to be. */
export function createConnectionRpcs(partners: PartnerRepository, pageTokens: PageTokens) {
  return {
    async invitePartner(request, context) {
      const { id, timeToLive, validateOnly } = request;
      const { target, writes, writer } = chooseWrites(partners, request, context.values, id);
      const lifetime = timeToLive === undefined ? defaultLifetime : toLifetime(timeToLive);
      const key = { organizationId: target, id };
      const issued = await writes.invite(key, lifetime, askerOf(context), writer);
      return {
        // One that nothing knows is none.
        invitationToken: validateOnly ? "" : issued.token,
        expiresAt: toTimestamp(issued.expiresAt),
        partner: toPartnerMessage(issued.partner),
      };
    },

    async revokeInvitation(request, context) {
      const { id } = request;
      const { target, writes, writer } = chooseWrites(partners, request, context.values, id);
      const key = { organizationId: target, id };
      const partner = await writes.revokeInvitation(key, askerOf(context), writer);
      return { partner: toPartnerMessage(partner) };
    },

    async getInvitation({ invitationToken: token }, context) {
      const { requester: guest, target: host } = required(context.values, organizationsKey);
      const shown = await partners.findInvitation({ host, guest, token }, askerOf(context));
      return {
        hostOrganizationId: host,
        partnerType: partnerTypes[shown.partnerType],
        expiresAt: toTimestamp(shown.expiresAt),
        openedRpcs: [...openedRpcs],
      };
    },

    async acceptInvitation(request, context) {
      const { requester, target, writes, writer } = chooseWrites(partners, request, context.values);
      const acceptance = { host: target, guest: requester, token: request.invitationToken };
      const partner = await writes.accept(acceptance, askerOf(context), writer);
      return { partner: toPartnerMessage(partner) };
    },

    async listConnections(request, context) {
      const { target: organizationId } = required(context.values, organizationsKey);
      const role = allRoles.find((each) => roles[each] === request.role);
      const list = ["connections", organizationId, role ?? null];
      const { connections, more } = await partners.listConnections(
        {
          ...{ organizationId, role },
          after: pageTokens.read<ConnectionPosition>(list, request.pageToken),
          pageSize: toPageSize(request.pageSize),
        },
        askerOf(context),
      );
      context.responseHeader.set(...uncached);
      const last = more ? connections.at(-1) : undefined;
      return {
        connections: connections.map(toConnectionMessage),
        nextPageToken: last ? pageTokens.write(list, { role: last.role, other: last.other }) : "",
      };
    },

    async endConnection(request, context) {
      const { target, writes, writer } = chooseWrites(partners, request, context.values);
      const other = request.organizationId.toLowerCase();
      const connection =
        request.role === ConnectionRole.HOST
          ? { host: target, guest: other }
          : { host: other, guest: target };
      await writes.endConnection(connection, askerOf(context), writer);
      return {};
    },
  } satisfies Partial<ServiceImpl<typeof PartnerService>>;
}

/** The duration in whole microseconds, which is what the database can hold. */
function toLifetime({ seconds, nanos }: Duration): Temporal.Duration {
  return Temporal.Duration.from({
    seconds: Number(seconds),
    microseconds: Math.floor(nanos / 1000),
  });
}

function toConnectionMessage({ role, other, partners }: ListedConnection): ConnectionMessage {
  const connected = partners.map(({ id, partnerType, connectedAt, updatedAt }) => ({
    $typeName: "partner.v1.ConnectedPartner" as const,
    partnerType: partnerTypes[partnerType],
    // A process of the release before, which is still there while this one is rolled out, keeps no time.
    connectedAt: connectedAt ?? updatedAt,
    id: role === "host" ? id : undefined,
  }));
  const first = connected
    .map(({ connectedAt }) => connectedAt)
    .reduce((a, b) => (Temporal.Instant.compare(a, b) <= 0 ? a : b));
  return {
    $typeName: "partner.v1.Connection",
    organizationId: other,
    role: roles[role],
    connectedAt: toTimestamp(first),
    partners: connected.map((partner) => ({
      ...partner,
      connectedAt: toTimestamp(partner.connectedAt),
    })),
  };
}
