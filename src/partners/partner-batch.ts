import { hash } from "node:crypto";
import type { BatchCreatePartnersRequest } from "../../gen/partner/v1/partner_service_pb.ts";
import type { Change, NoteChange } from "../context.ts";
import { createInsertion, createSharing } from "../database/distribution.ts";
import { DatabaseError, DatabaseUnavailableError } from "../database/failures.ts";
import type { Orm } from "../database/orm.ts";
import { query } from "../database/query.ts";
import { withRetries } from "../database/retries.ts";
import { createRowMapping } from "../database/row-mapping.ts";
import { uuidV5 } from "../database/uuid-v5.ts";
import { createUuidV7Generator } from "../database/uuid-v7.ts";
import {
  createdChange,
  fingerprint,
  initialPartner,
  type NewPartner,
  noChange,
  type Partner,
  PartnerEntity,
} from "./partner-entity.ts";
import { fieldsInvalid, requestIdReused } from "./partner-error.ts";
import { toNewPartner } from "./partner-mapping.ts";

/** Partners that are created together, in one organization's book. */
export interface NewBatch {
  /** What they have as request ids of their own is not used. */
  readonly newPartners: readonly NewPartner[];
  /** Stands for the whole batch. */
  readonly requestId: string | null;
}

/** Creates partners together. */
export interface PartnerBatches {
  /**
   * Creates partners of one organization, all or none, and answers them as they are stored, in the
   * order given. With a request id that the organization used before, for the same batch, it
   * answers the partners that were created then, as they are now.
   *
   * @param signal ends the waiting for a database that is away, not a statement under way.
   * @throws PartnerError REQUEST_ID_REUSED
   * @throws DatabaseUnavailableError
   */
  createBatch(
    batch: NewBatch,
    signal: AbortSignal,
    noteChange?: NoteChange,
  ): Promise<readonly Partner[]>;
}

/**
 * The batch that a validated request asks for, in the book of the organization.
 *
 * @throws PartnerError FIELD_INVALID when an entry has another request id than the batch.
 */
export function toNewBatch(
  { requests, requestId }: BatchCreatePartnersRequest,
  organizationId: string,
): NewBatch {
  const batchId = requestId?.toLowerCase() ?? null;
  const newPartners = requests.map((request) => toNewPartner(request, organizationId));
  const violations = newPartners.flatMap((newPartner, index) =>
    newPartner.requestId === null || newPartner.requestId === batchId
      ? []
      : {
          field: `requests[${index}].request_id`,
          description: "must be absent or that of the batch",
          reason: "batch.request_id",
        },
  );
  if (violations.length > 0) {
    throw fieldsInvalid(violations);
  }
  return { newPartners, requestId: batchId };
}

/** What makes an insert fail whose batch, or whose request id, is there already. */
const conflictingConstraints = ["partner_pkey", "partner_request_id_unique"];

/** Makes the part of the repository that creates partners together. */
export function createPartnerBatches(orm: Orm): PartnerBatches {
  const nextId = createUuidV7Generator(orm.clock.milliseconds);
  const mapping = createRowMapping(orm, PartnerEntity);
  const { table, selection, toEntity } = mapping;
  const insertRows = createInsertion(orm, mapping, createSharing(orm, table));
  const findSql = `select ${selection.join(", ")} from ${table} where organization_id = $1
    and (id = any($2::uuid[]) or request_id = any($3::uuid[])) order by id`;

  /** Answers false when a row conflicts, and then none is stored. */
  async function insert(partners: readonly Partner[]): Promise<boolean> {
    try {
      // Unlike a single insert it fails on a conflict: `on conflict do nothing` would store the others.
      await insertRows(partners);
      return true;
    } catch (failure) {
      if (
        failure instanceof DatabaseError &&
        conflictingConstraints.includes(failure.constraint ?? "")
      ) {
        return false;
      }
      throw failure;
    }
  }

  async function insertOrFind(
    organizationId: string,
    partners: readonly Partner[],
    requestId: string | null,
    noteChange: NoteChange | undefined,
  ): Promise<readonly Partner[]> {
    const noteAll = (all: readonly Partner[], describe: (partner: Partner) => Change) => {
      if (noteChange !== undefined) {
        all.map(describe).forEach(noteChange);
      }
      return all;
    };
    if (await insert(partners)) {
      return noteAll(partners, createdChange);
    }
    const ids = partners.map(({ id }) => id);
    const requestIds = partners.flatMap((partner) => partner.requestId ?? []);
    const rows = await query(orm, findSql, [organizationId, ids, requestIds]);
    const found = rows.map(toEntity);
    if (found.length === 0) {
      throw new DatabaseUnavailableError(true, new Error("The conflicting partners are gone."));
    }
    if (found.length === ids.length && found.every(({ id }, index) => id === ids[index])) {
      // A try whose answer was lost had done its work. This is that answer, whatever became of the
      // partners since.
      return noteAll(partners, createdChange);
    }
    const isSame =
      found.length === partners.length &&
      found.every(
        ({ requestFingerprint }) => requestFingerprint === partners[0]?.requestFingerprint,
      );
    if (!isSame || found.some(({ deletedAt }) => deletedAt !== null)) {
      throw requestIdReused(String(requestId), isSame);
    }
    return noteAll(found, noChange);
  }

  return {
    async createBatch({ newPartners, requestId }, signal, noteChange) {
      const [first] = newPartners;
      if (first === undefined) {
        return [];
      }
      const requestFingerprint = requestId === null ? null : batchFingerprint(newPartners);
      // The ids stay the same in all tries: that makes them safe. They grow, so that the order of
      // the ids is that of the batch.
      const partners = newPartners.map((newPartner, index) => ({
        ...initialPartner({ ...newPartner, requestId: null }, nextId(), orm.clock.now()),
        requestId: requestId === null ? null : requestIdAt(requestId, index),
        requestFingerprint,
      }));
      const { organizationId } = first;
      return await withRetries(
        () => insertOrFind(organizationId, partners, requestId, noteChange),
        signal,
      );
    },
  };
}

/**
 * The request id in the row at this place of the batch. The first row has the batch's own, and so
 * shares one constraint with partners that are created singly; the others have ids that follow from
 * it, by which they are found again.
 */
function requestIdAt(requestId: string, index: number): string {
  return index === 0 ? requestId : uuidV5(requestId, `partner ${index}`);
}

/** A hash of all that the caller wants created, which no single partner has. */
function batchFingerprint(newPartners: readonly NewPartner[]): string {
  return hash("sha256", JSON.stringify(["batch", ...newPartners.map(fingerprint)]), "hex");
}
