import { randomUUID } from "node:crypto";
import {
  type Asker,
  createRowMapping,
  createStatement,
  formatInstant,
  type Orm,
  query as queryNow,
  retryInTurn,
} from "@partner-service/postgres-statements";
import type { Writer } from "../context.ts";
import { authorValues } from "./author.ts";
import { type Partner, PartnerEntity } from "./partner-entity.ts";
import { partnerError } from "./partner-error.ts";
import { connectionFields, disconnectedSql, movedChange, movedSql } from "./partner-writes.ts";

/** A host and the organization that accepted its invitation. */
export interface Connection {
  readonly host: string;
  readonly guest: string;
}

export type ConnectionRole = keyof Connection;

/** A connection as one of its organizations sees it. */
export interface ListedConnection extends ConnectionPosition {
  /** The partners of the host's book that stand for the guest: one, or one of each type. */
  readonly partners: readonly Partner[];
}

/** A place in a list of connections: those as host come first, each by the other organization's id. */
export type ConnectionPosition = { readonly role: ConnectionRole; readonly other: string };

/** One page of an organization's connections. */
export interface ConnectionQuery {
  readonly organizationId: string;
  /** What the organization is in them; undefined: either. */
  readonly role: ConnectionRole | undefined;
  /** The last connection of the page before; undefined: the first page. */
  readonly after: ConnectionPosition | undefined;
  readonly pageSize: number;
}

/** Rows of deleted partners name no guest. */
export const connectionSql = `select 1 from partner
  where organization_id = $1 and guest_organization_id = $2 limit 1`;

export const allRoles: readonly ConnectionRole[] = ["host", "guest"];

/** A guest is at most two partners of one host: a customer and a supplier. */
const partnersPerConnection = 2;

/** Before every organization's id. */
const firstId = "00000000-0000-0000-0000-000000000000";

/**
 * The statement that lists the rows of connections. For a guest it is the one that does not start with
 * the organization whose book it is about, and has an index of its own.
 */
export function connectionsSql(role: ConnectionRole, selection: string): string {
  const [own, other] =
    role === "host"
      ? ["organization_id", "guest_organization_id"]
      : ["guest_organization_id", "organization_id"];
  return `select ${selection} from partner
    where ${own} = $1 and ${other} > $2 and guest_organization_id is not null
    order by ${other}, partner_type limit $3`;
}

/** Makes the part of the repository that keeps connections, in the rows of the host's partners. */
export function createConnections(orm: Orm, query = queryNow) {
  const { table, selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const findConnection = createStatement(orm, "find-connection", connectionSql);
  const idsSql = `select id from ${table}
    where organization_id = $1 and guest_organization_id = $2`;
  const endSql = `update ${table} set ${disconnectedSql}, ${movedSql("$3", "$4", ["$5", "$6"])}
    where organization_id = $1 and guest_organization_id = $2 returning ${selection}`;
  const endedSql = `select ${selection} from ${table}
    where organization_id = $1 and id = any($2::uuid[]) and write_id = $3`;

  return {
    /**
     * Whether the guest accepted an invitation of the host, and is a partner in its book still. It
     * costs one look into an index, in the rows of the host.
     */
    isConnected: ({ host, guest }: Connection, asker: Asker) =>
      retryInTurn(orm, asker, async () => (await findConnection([host, guest])).length > 0),

    /** Answers a page, and whether connections come after it. */
    listConnections: ({ organizationId, role, after, pageSize }: ConnectionQuery, asker: Asker) =>
      retryInTurn(orm, asker, async () => {
        const roles = role === undefined ? allRoles : [role];
        const found: ListedConnection[] = [];
        for (const each of roles.slice(after === undefined ? 0 : roles.indexOf(after.role))) {
          const other = each === after?.role ? after.other : firstId;
          // One more than the page holds tells whether there are more.
          const wanted = pageSize + 1 - found.length;
          const values = [organizationId, other, wanted * partnersPerConnection];
          const rows = await query(orm, connectionsSql(each, selection), values);
          const byOther = Map.groupBy(rows.map(toEntity), (partner) => otherOf(each, partner));
          found.push(
            ...[...byOther].map(([id, partners]) => ({ role: each, other: id, partners })),
          );
          if (found.length > pageSize) {
            break;
          }
        }
        return { connections: found.slice(0, pageSize), more: found.length > pageSize };
      }),

    /**
     * Ends the connection: its partners are invited again, without guest and without an invitation.
     *
     * @throws PartnerError CONNECTION_NOT_FOUND
     */
    async endConnection({ host, guest }: Connection, asker: Asker, writer?: Writer): Promise<void> {
      const now = formatInstant(orm.clock.now());
      const writeId = randomUUID();
      const author = authorValues(host, writer);
      const partners = await retryInTurn(orm, asker, () => query(orm, idsSql, [host, guest]));
      if (partners.length === 0) {
        throw partnerError("CONNECTION_NOT_FOUND");
      }
      const ids = partners.map(({ id }) => id);
      await retryInTurn(orm, asker, async () => {
        const written = await query(orm, endSql, [host, guest, now, writeId, ...author]);
        // The own write is there when a try whose answer was lost had done its work.
        const ended =
          written.length > 0 ? written : await query(orm, endedSql, [host, ids, writeId]);
        if (ended.length === 0) {
          throw partnerError("CONNECTION_NOT_FOUND");
        }
        for (const partner of ended.map(toEntity)) {
          writer?.noteChange(movedChange(partner, connectionFields));
        }
      });
    },
  };
}

function otherOf(role: ConnectionRole, { organizationId, guestOrganizationId }: Partner): string {
  // The statement selects none without a guest.
  return role === "host" ? String(guestOrganizationId) : organizationId;
}
