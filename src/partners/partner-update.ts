import { randomUUID } from "node:crypto";
import {
  createRowMapping,
  formatInstant,
  type Orm,
  query as queryNow,
} from "@partner-service/postgres-statements";
import type { Writer } from "../context.ts";
import { authorValues } from "./author.ts";
import { movedSql, type Partner, PartnerEntity, type PartnerKey } from "./partner-entity.ts";
import { partnerNotFound } from "./partner-error.ts";

/** What a statement sets in a partner's row, and on which condition. */
interface Update {
  readonly set: string;
  readonly where: string;
  /** Bound to $7, …. Before them come the organization, the partner's id, the time, the write's id and the author. */
  readonly values: readonly unknown[];
  readonly now: Temporal.Instant;
  readonly writer: Writer | undefined;
}

/** A partner as a write has left it, or as it stands against it. */
interface Updated {
  readonly partner: Partner;
  /** Whether the write has made it so: by this try, or by one whose answer was lost. */
  readonly isOwnWrite: boolean;
}

/**
 * Makes what prepares a write of one partner, which may then be tried as often as is needed: the statement
 * checks and writes at once, and the row has the write's id. Where there is nothing to set, a try finds only.
 *
 * A try fails with PARTNER_NOT_FOUND where the partner is not there, or was deleted by another write.
 */
export function createUpdates(orm: Orm, query = queryNow) {
  const { table, selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const findSql = `select ${selection} from ${table} where organization_id = $1 and id = $2`;

  return ({ organizationId, id }: PartnerKey, update: Update | undefined) => {
    const writeId = randomUUID();

    async function write({ set, where, values, now, writer }: Update) {
      const sql = `update ${table} set ${set}, ${movedSql("$3", "$4", ["$5", "$6"])}
        where organization_id = $1 and id = $2 and deleted_at is null and ${where}
        returning ${selection}`;
      const author = authorValues(organizationId, writer);
      const key = [organizationId, id, formatInstant(now), writeId];
      return await query(orm, sql, [...key, ...author, ...values]);
    }

    return async (): Promise<Updated> => {
      const [written] = update === undefined ? [] : await write(update);
      const [row] = written ? [written] : await query(orm, findSql, [organizationId, id]);
      if (row === undefined) {
        throw partnerNotFound();
      }
      const partner = toEntity(row);
      const isOwnWrite = partner.writeId === writeId;
      if (partner.deletedAt !== null && !isOwnWrite) {
        throw partnerNotFound();
      }
      return { partner, isOwnWrite };
    };
  };
}
