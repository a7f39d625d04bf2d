import { hash } from "node:crypto";
import { DatabaseError, DatabaseUnavailableError } from "../database/failures.ts";
import type { Orm } from "../database/orm.ts";
import { query } from "../database/query.ts";
import { withRetries } from "../database/retries.ts";
import { createRowMapping } from "../database/row-mapping.ts";
import { uuidV5 } from "../database/uuid-v5.ts";
import { createUuidV7Generator } from "../database/uuid-v7.ts";
import { type Partner, PartnerEntity } from "./partner-entity.ts";
import {
  createPartner,
  fingerprint,
  type NewPartner,
  RequestIdReusedError,
} from "./partner-repository.ts";

/** Creates partners together. */
export interface PartnerBatch {
  /**
   * Creates partners of one organization, all or none, and answers them as they are stored, in the
   * order given. With a request id that the organization used before, for the same batch, it
   * answers the partners that were created then.
   *
   * @param requestId stands for the whole batch; what the partners have of their own is not used.
   * @param signal ends the waiting for a database that is away, not a statement under way.
   * @throws RequestIdReusedError
   * @throws DatabaseUnavailableError
   */
  insertAll(
    newPartners: readonly NewPartner[],
    requestId: string | null,
    signal: AbortSignal,
  ): Promise<readonly Partner[]>;
}

/** What makes an insert fail whose batch, or whose request id, is there already. */
const conflictingConstraints = ["partner_pkey", "partner_request_id_unique"];

/** Makes the part of the book that creates partners together. */
export function createPartnerBatch(orm: Orm): PartnerBatch {
  const nextId = createUuidV7Generator();
  const { table, selection, insertion, toJson, toEntity } = createRowMapping(orm, PartnerEntity);
  const findSql = `select ${selection.join(", ")} from ${table} where organization_id = $1
    and (id = any($2::uuid[]) or request_id = any($3::uuid[])) order by id`;

  /** Answers false when a row conflicts, and then none is stored. */
  async function insert(partners: readonly Partner[]): Promise<boolean> {
    try {
      // Unlike a single insert it fails on a conflict: `on conflict do nothing` would store the others.
      await query(orm, insertion, [toJson(partners)]);
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
  ): Promise<readonly Partner[]> {
    if (await insert(partners)) {
      return partners;
    }
    const ids = partners.map(({ id }) => id);
    const requestIds = partners.flatMap((partner) => partner.requestId ?? []);
    const rows = await query(orm, findSql, [organizationId, ids, requestIds]);
    const found = rows.map(toEntity);
    if (found.length === 0) {
      throw new DatabaseUnavailableError(true, new Error("The conflicting partners are gone."));
    }
    // The own ids are there when a try whose answer was lost had done its work.
    const isOurs = found.every(({ id }, index) => id === ids[index]);
    const isSame = found.every(
      ({ requestFingerprint, deletedAt }) =>
        requestFingerprint === partners[0]?.requestFingerprint && deletedAt === null,
    );
    if (found.length !== partners.length || !(isOurs || isSame)) {
      throw new RequestIdReusedError(String(requestId));
    }
    return found;
  }

  return {
    insertAll: async (newPartners, requestId, signal) => {
      const [first] = newPartners;
      if (first === undefined) {
        return [];
      }
      const requestFingerprint = requestId === null ? null : batchFingerprint(newPartners);
      // The ids stay the same in all tries: that makes them safe. They grow, so that the order of
      // the ids is that of the batch.
      const partners = newPartners.map((newPartner, index) => ({
        ...createPartner({ ...newPartner, requestId: null }, nextId()),
        requestId: requestId === null ? null : requestIdAt(requestId, index),
        requestFingerprint,
      }));
      const { organizationId } = first;
      return withRetries(() => insertOrFind(organizationId, partners, requestId), signal);
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
