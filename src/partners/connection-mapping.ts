import { getOption } from "@bufbuild/protobuf";
import { access_rule, Scenario } from "../../gen/access/v1/access_pb.ts";
import {
  ConnectionRole,
  type ListConnectionsRequest,
  type ListConnectionsResponse,
  PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import type {
  Connection,
  ConnectionPage,
  ConnectionPosition,
  ConnectionQuery,
  ListedConnection,
} from "./connections.ts";
import { type PageTokens, toPageSize } from "./paging.ts";
import { partnerTypes, toTimestamp } from "./partner-mapping.ts";

const roles = {
  host: ConnectionRole.HOST,
  guest: ConnectionRole.GUEST,
} as const satisfies Record<keyof Connection, ConnectionRole>;

/**
 * What an acceptance opens to the host: the RPCs of which the contract says that a host may call them
 * for its guest.
 */
export const openedRpcs: readonly string[] = PartnerService.methods
  .filter((method) => getOption(method, access_rule).scenarios.includes(Scenario.HOST))
  .map(({ parent, name }) => `${parent.typeName}.${name}`);

/** The connection between the requester, which has the role, and the other organization. */
export function toConnection(role: ConnectionRole, requester: string, other: string): Connection {
  const id = other.toLowerCase();
  return role === ConnectionRole.HOST
    ? { host: requester, guest: id }
    : { host: id, guest: requester };
}

/**
 * The page of the organization's connections that a validated request asks for.
 *
 * @throws PartnerError FIELD_INVALID when the page token is not one of this list.
 */
export function toConnectionQuery(
  { pageSize, pageToken, role }: ListConnectionsRequest,
  organizationId: string,
  pageTokens: PageTokens,
): ConnectionQuery {
  const list = { organizationId, role: toStoredRole(role) };
  return {
    ...list,
    after: pageTokens.read<ConnectionPosition>(identityOf(list), pageToken),
    pageSize: toPageSize(pageSize),
  };
}

/** The page as the contract shows it. */
export function toConnectionsResponse(
  list: ConnectionQuery,
  { connections, more }: ConnectionPage,
  pageTokens: PageTokens,
): Omit<ListConnectionsResponse, "$typeName"> {
  const last = connections.at(-1);
  return {
    connections: connections.map(toConnectionMessage),
    nextPageToken:
      more && last !== undefined
        ? pageTokens.write(identityOf(list), { role: last.role, other: last.other })
        : "",
  };
}

/** The stored form of a validated role; undefined where it narrows nothing down. */
function toStoredRole(role: ConnectionRole): keyof Connection | undefined {
  switch (role) {
    case ConnectionRole.HOST:
      return "host";
    case ConnectionRole.GUEST:
      return "guest";
    default:
      return undefined;
  }
}

function identityOf({ organizationId, role }: Pick<ConnectionQuery, "organizationId" | "role">) {
  return ["connections", organizationId, role ?? null];
}

function toConnectionMessage({
  role,
  other,
  partners,
}: ListedConnection): ListConnectionsResponse["connections"][number] {
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
