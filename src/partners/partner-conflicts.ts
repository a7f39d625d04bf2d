import {
  createRowMapping,
  DatabaseError,
  DatabaseUnavailableError,
  type Orm,
  query as queryNow,
} from "@partner-service/postgres-statements";
import type { Change, Writer } from "../context.ts";
import { type Partner, PartnerEntity } from "./partner-entity.ts";
import { externalIdTaken, type PartnerError, requestIdReused } from "./partner-error.ts";
import { createdChange, noChange } from "./partner-writes.ts";

/**
 * What has become of a new partner: the partner that is answered, which is it, or the one that its request
 * id created before; or what makes it impossible.
 */
export type Outcome =
  | { readonly partner: Partner; readonly change: Change }
  | { readonly error: PartnerError };

/** The outcome of a partner that is stored as it was given. */
export function storedOutcome(partner: Partner): Outcome {
  return { partner, change: createdChange(partner) };
}

/**
 * Notes the outcome of a call that creates one partner, and answers the partner.
 *
 * @throws PartnerError
 * @throws DatabaseUnavailableError when nothing stands against it any more: the next try stores it.
 */
export function settle(outcome: Outcome | undefined, writer: Writer | undefined): Partner {
  if (outcome === undefined) {
    throw conflictGone();
  }
  if ("error" in outcome) {
    throw outcome.error;
  }
  writer?.noteChange(outcome.change);
  return outcome.partner;
}

/** The constraints by which the insert of a new partner may fail. */
const constraints: ReadonlySet<string | undefined> = new Set([
  "partner_pkey",
  "partner_request_id_unique",
  "partner_external_id_unique",
]);

/** Whether an insert failed because of something that `findOutcomes` finds. */
export function isConflict(failure: unknown): boolean {
  return failure instanceof DatabaseError && constraints.has(failure.constraint);
}

/** What was in conflict is gone: the next try stores it. */
export function conflictGone(): DatabaseUnavailableError {
  return new DatabaseUnavailableError(true, new Error("What was in conflict is gone."));
}

/**
 * Makes what tells why new partners of one book could not be stored. It runs after a conflict only, and
 * answers an outcome for each, in their order; undefined where nothing stands against one any more.
 */
export function createConflicts(orm: Orm, query = queryNow) {
  const { table, selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const sql = `select ${selection} from ${table} where organization_id = $1
    and (id = any($2::uuid[]) or request_id = any($3::uuid[]) or external_id = any($4::text[]))`;

  return async (partners: readonly Partner[]): Promise<readonly (Outcome | undefined)[]> => {
    const rows = await query(orm, sql, [
      partners[0]?.organizationId,
      partners.map(({ id }) => id),
      partners.flatMap(({ requestId }) => requestId ?? []),
      partners.flatMap(({ externalId }) => externalId ?? []),
    ]);
    const found = rows.map(toEntity);
    const ids = new Set(found.map(({ id }) => id));
    const byRequestId = new Map(found.map((partner) => [partner.requestId, partner]));
    const kept = found.filter(({ deletedAt }) => deletedAt === null);
    const byExternalId = new Map(kept.map((partner) => [partner.externalId, partner]));
    return partners.map((partner) => {
      const { id, requestId, externalId, requestFingerprint } = partner;
      if (ids.has(id)) {
        // By a try whose answer was lost. This is that answer, whatever became of the partner since.
        return storedOutcome(partner);
      }
      const earlier = requestId === null ? undefined : byRequestId.get(requestId.toLowerCase());
      if (earlier !== undefined) {
        const isSame = earlier.requestFingerprint === requestFingerprint;
        return isSame && earlier.deletedAt === null
          ? { partner: earlier, change: noChange(earlier) }
          : { error: requestIdReused(String(requestId), isSame) };
      }
      const taken = externalId === null ? undefined : byExternalId.get(externalId);
      return taken && { error: externalIdTaken(String(externalId), taken.id) };
    });
  };
}
