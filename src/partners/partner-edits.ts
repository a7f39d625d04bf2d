import { randomUUID } from "node:crypto";
import { type DescField, getOption, ScalarType } from "@bufbuild/protobuf";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import {
  type Asker,
  createRowMapping,
  formatInstant,
  type Orm,
  query as queryNow,
  retryInTurn,
} from "@partner-service/postgres-statements";
import { PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";
import { CreatePartnerRequestSchema } from "../../gen/partner/v1/partner_service_pb.ts";
import type { Writer } from "../context.ts";
import { authorValues } from "./author.ts";
import { conflictGone } from "./partner-conflicts.ts";
import {
  etagOf,
  type NewPartner,
  type Partner,
  PartnerEntity,
  type PartnerKey,
} from "./partner-entity.ts";
import { etagMismatch, externalIdTaken, partnerError } from "./partner-error.ts";
import {
  deletedChange,
  disconnectedSql,
  movedChange,
  movedSql,
  noChange,
  violates,
} from "./partner-writes.ts";

/** New values of the fields that change; the others stay as they are. */
export type PartnerChanges = Partial<Omit<NewPartner, "organizationId" | "requestId">>;

/** Which partner an edit is about, and in which state. */
interface PartnerVersion extends PartnerKey {
  /** The revision that it must have; undefined where each will do. */
  readonly revision: number | undefined;
}

/** What was said of the company; a deleted partner's row does not keep it. */
const erasures = CreatePartnerRequestSchema.fields
  .filter(({ localName }) => localName in PartnerSchema.field && localName !== "partnerType")
  .map((field) => `${field.name} = ${erasedValue(field)}`);

/** What the column of a field holds once it says nothing any more. */
function erasedValue(field: DescField): string {
  if (!getOption(field, fieldOption).required) {
    return "null";
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return "'-'";
    case ScalarType.INT32:
      return "0";
    default:
      throw new Error(`There is no value yet that says nothing of ${field}.`);
  }
}

export function createPartnerEdits(orm: Orm, query = queryNow) {
  const { table, columnOf } = createRowMapping(orm, PartnerEntity);
  const prepare = createUpdates(orm, query);
  // A null revision stands for any.
  const isVersion = "revision = coalesce($7::int4, revision)";
  const erasure = `deleted_at = $3, ${erasures.join(", ")}, ${disconnectedSql}`;

  /** Who has the external id that the partner was to get. */
  async function findExternalIdConflict(
    { organizationId }: PartnerKey,
    { externalId }: PartnerChanges,
  ): Promise<Error> {
    const sql = `select id from ${table} where organization_id = $1 and external_id = $2
      and deleted_at is null`;
    const [taken] = await query(orm, sql, [organizationId, externalId]);
    return taken === undefined
      ? conflictGone()
      : externalIdTaken(String(externalId), String(taken.id));
  }

  return {
    /**
     * Makes the changes, and answers the partner as it is stored. Changes that change nothing leave
     * `updatedAt` and the revision as they are.
     *
     * @throws PartnerError PARTNER_NOT_FOUND, ETAG_MISMATCH, GUEST_ALREADY_CONNECTED, EXTERNAL_ID_TAKEN
     */
    update(
      version: PartnerVersion,
      changes: PartnerChanges,
      asker: Asker,
      writer?: Writer,
    ): Promise<Partner> {
      const { revision } = version;
      const names = Object.keys(changes).map((property) => columnOf(property));
      const differences = names.map((name, index) => `${name} is distinct from $${index + 8}`);
      const update = {
        set: names.map((name, index) => `${name} = $${index + 8}`).join(", "),
        where: `${isVersion} and (${differences.join(" or ")})`,
        values: [revision ?? null, ...Object.values(changes)],
        ...{ now: orm.clock.now(), writer },
      };
      const tryOnce = prepare(version, names.length > 0 ? update : undefined);
      return retryInTurn(orm, asker, async () => {
        try {
          const { partner, isOwnWrite } = await tryOnce();
          if (!isOwnWrite && revision !== undefined && revision !== partner.revision) {
            throw etagMismatch(etagOf(partner));
          }
          writer?.noteChange(isOwnWrite ? movedChange(partner, names) : noChange(partner));
          return partner;
        } catch (failure) {
          if (violates(failure, "partner_external_id_unique")) {
            throw await findExternalIdConflict(version, changes);
          }
          const isConnected = violates(failure, "partner_guest_unique");
          throw isConnected ? partnerError("GUEST_ALREADY_CONNECTED") : failure;
        }
      });
    },

    /**
     * Deletes the partner, its invitation and its connection.
     *
     * @throws PartnerError PARTNER_NOT_FOUND, ETAG_MISMATCH
     */
    delete(version: PartnerVersion, asker: Asker, writer?: Writer): Promise<void> {
      const values = [version.revision ?? null];
      const update = { set: erasure, where: isVersion, values, now: orm.clock.now(), writer };
      const tryOnce = prepare(version, update);
      return retryInTurn(orm, asker, async () => {
        const { partner, isOwnWrite } = await tryOnce();
        if (!isOwnWrite) {
          throw etagMismatch(etagOf(partner));
        }
        writer?.noteChange(deletedChange(partner));
      });
    },
  };
}

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
      const partner = row && toEntity(row);
      const isOwnWrite = partner?.writeId === writeId;
      if (partner === undefined || (partner.deletedAt !== null && !isOwnWrite)) {
        throw partnerError("PARTNER_NOT_FOUND");
      }
      return { partner, isOwnWrite };
    };
  };
}
