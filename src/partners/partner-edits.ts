import { randomUUID } from "node:crypto";
import { type DescField, getOption, ScalarType } from "@bufbuild/protobuf";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import {
  createRowMapping,
  formatInstant,
  type Orm,
  query as queryNow,
  withRetries,
} from "@partner-service/postgres-statements";
import { PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";
import { CreatePartnerRequestSchema } from "../../gen/partner/v1/partner_service_pb.ts";
import type { NoteChange } from "../context.ts";
import { conflictGone } from "./partner-conflicts.ts";
import {
  deletedChange,
  etagOf,
  isExternalIdConflict,
  isGuestConflict,
  movedChange,
  movedSql,
  type NewPartner,
  noChange,
  type Partner,
  PartnerEntity,
  type PartnerKey,
} from "./partner-entity.ts";
import {
  etagMismatch,
  externalIdTaken,
  guestAlreadyConnected,
  partnerNotFound,
} from "./partner-error.ts";

/** New values of the fields that change; the others stay as they are. */
export type PartnerChanges = Partial<Omit<NewPartner, "organizationId" | "requestId">>;

/** Which partner an edit is about, and in which state. */
interface PartnerVersion extends PartnerKey {
  /** The revision that it must have; undefined where each will do. */
  readonly revision: number | undefined;
}

const partnerFields = new Set(PartnerSchema.fields.map(({ name }) => name));

/** What was said of the company; a deleted partner's row does not keep it. */
const erasures = CreatePartnerRequestSchema.fields
  .filter(({ name }) => partnerFields.has(name) && name !== "partner_type")
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

/** Makes the part of the repository that changes and deletes partners. */
export function createPartnerEdits(orm: Orm, query = queryNow) {
  const { table, selection, columnOf, toEntity } = createRowMapping(orm, PartnerEntity);
  const move = movedSql("$3", "$4");
  // A null revision stands for any.
  const match = `organization_id = $1 and id = $2 and deleted_at is null
    and revision = coalesce($5::int4, revision)`;
  const findSql = `select ${selection} from ${table} where organization_id = $1 and id = $2`;
  const deleteSql = `update ${table} set deleted_at = $3, ${move},
    ${erasures.join(", ")}, invitation_status = 'invited',
    guest_organization_id = null, connected_at = null,
    invitation_token_hash = null, invitation_expires_at = null
    where ${match} returning ${selection}`;

  /** The partner, deleted or not. */
  async function find({ organizationId, id }: PartnerKey): Promise<Partner> {
    const [row] = await query(orm, findSql, [organizationId, id]);
    if (row === undefined) {
      throw partnerNotFound();
    }
    return toEntity(row);
  }

  async function updateOrFind(
    version: PartnerVersion,
    changes: PartnerChanges,
    now: string,
    writeId: string,
    noteChange: NoteChange | undefined,
  ): Promise<Partner> {
    const { organizationId, id, revision = null } = version;
    const names = Object.keys(changes).map((property) => columnOf(property));
    if (names.length > 0) {
      const sets = names.map((name, index) => `${name} = $${index + 6}`);
      const differences = names.map((name, index) => `${name} is distinct from $${index + 6}`);
      const [updated] = await query(
        orm,
        `update ${table} set ${sets.join(", ")}, ${move}
          where ${match} and (${differences.join(" or ")}) returning ${selection}`,
        [organizationId, id, now, writeId, revision, ...Object.values(changes)],
      );
      if (updated !== undefined) {
        const partner = toEntity(updated);
        noteChange?.(movedChange(partner, names));
        return partner;
      }
    }
    const found = await find(version);
    if (found.deletedAt !== null) {
      throw partnerNotFound();
    }
    // The own write is there when a try whose answer was lost had done its work.
    const isOwnWrite = found.writeId === writeId;
    if (revision !== null && found.revision !== revision && !isOwnWrite) {
      throw etagMismatch(etagOf(found));
    }
    noteChange?.(isOwnWrite ? movedChange(found, names) : noChange(found));
    return found;
  }

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

  async function deleteOrFind(
    version: PartnerVersion,
    now: string,
    writeId: string,
    noteChange: NoteChange | undefined,
  ): Promise<void> {
    const { organizationId, id, revision = null } = version;
    const values = [organizationId, id, now, writeId, revision];
    const [deleted] = await query(orm, deleteSql, values);
    if (deleted !== undefined) {
      noteChange?.(deletedChange(toEntity(deleted)));
      return;
    }
    const found = await find(version);
    if (found.deletedAt === null) {
      throw etagMismatch(etagOf(found));
    }
    if (found.writeId !== writeId) {
      throw partnerNotFound();
    }
    noteChange?.(deletedChange(found));
  }

  return {
    /**
     * Makes the changes, and answers the partner as it is stored. Changes that change nothing leave
     * `updatedAt` and the revision as they are.
     *
     * @throws PartnerError PARTNER_NOT_FOUND, ETAG_MISMATCH, GUEST_ALREADY_CONNECTED, EXTERNAL_ID_TAKEN
     * @throws DatabaseUnavailableError
     */
    update(
      version: PartnerVersion,
      changes: PartnerChanges,
      signal: AbortSignal,
      noteChange?: NoteChange,
    ): Promise<Partner> {
      const now = formatInstant(orm.clock.now());
      const writeId = randomUUID();
      return withRetries(async () => {
        try {
          return await updateOrFind(version, changes, now, writeId, noteChange);
        } catch (failure) {
          if (isExternalIdConflict(failure)) {
            throw await findExternalIdConflict(version, changes);
          }
          throw isGuestConflict(failure) ? guestAlreadyConnected() : failure;
        }
      }, signal);
    },

    /**
     * Deletes the partner, its invitation and its connection.
     *
     * @throws PartnerError PARTNER_NOT_FOUND, ETAG_MISMATCH
     * @throws DatabaseUnavailableError
     */
    delete(version: PartnerVersion, signal: AbortSignal, noteChange?: NoteChange): Promise<void> {
      const now = formatInstant(orm.clock.now());
      const writeId = randomUUID();
      return withRetries(() => deleteOrFind(version, now, writeId, noteChange), signal);
    },
  };
}
