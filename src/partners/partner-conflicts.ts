import type { NoteChange } from "../context.ts";
import { DatabaseError, DatabaseUnavailableError } from "../database/failures.ts";
import type { Orm } from "../database/orm.ts";
import { query as queryNow } from "../database/query.ts";
import { createRowMapping } from "../database/row-mapping.ts";
import { createdChange, noChange, type Partner, PartnerEntity } from "./partner-entity.ts";
import { externalIdTaken, type PartnerError, requestIdReused } from "./partner-error.ts";

/**
 * What the book holds that keeps a new partner from being stored: itself, by a try whose answer was lost;
 * the partner that its request id has created before; what makes it impossible; or nothing any more.
 */
export type Obstacle =
  | { readonly kind: "stored" | "none" }
  | { readonly kind: "earlier"; readonly partner: Partner }
  | { readonly kind: "refusal"; readonly error: PartnerError };

const none: Obstacle = { kind: "none" };
const stored: Obstacle = { kind: "stored" };

/** The constraints by which the insert of a new partner may fail. */
const constraints: ReadonlySet<string | undefined> = new Set([
  "partner_pkey",
  "partner_request_id_unique",
  "partner_external_id_unique",
]);

/** Whether an insert failed because of something that `createConflicts` finds. */
export function isConflict(failure: unknown): boolean {
  return failure instanceof DatabaseError && constraints.has(failure.constraint);
}

/** Makes what tells why new partners could not be stored. It runs after a conflict only. */
export function createConflicts(orm: Orm, query = queryNow) {
  const { table, selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const sql = `select ${selection.join(", ")} from ${table} where organization_id = $1
    and (id = any($2::uuid[]) or request_id = any($3::uuid[]) or external_id = any($4::text[]))`;

  /** The obstacles of new partners of one book, in their order. */
  async function find(partners: readonly Partner[]): Promise<readonly Obstacle[]> {
    const rows = await query(orm, sql, [
      partners[0]?.organizationId,
      partners.map(({ id }) => id),
      partners.flatMap(({ requestId }) => requestId ?? []),
      partners.flatMap(({ externalId }) => externalId ?? []),
    ]);
    const found = rows.map(toEntity);
    const byId = new Map(found.map((partner) => [partner.id, partner]));
    const byRequestId = new Map(found.map((partner) => [partner.requestId, partner]));
    const kept = found.filter(({ deletedAt }) => deletedAt === null);
    const byExternalId = new Map(kept.map((partner) => [partner.externalId, partner]));
    return partners.map(({ id, requestId, externalId, requestFingerprint }): Obstacle => {
      if (byId.has(id)) {
        return stored;
      }
      const earlier = requestId === null ? undefined : byRequestId.get(requestId.toLowerCase());
      if (earlier !== undefined) {
        const isSame = earlier.requestFingerprint === requestFingerprint;
        return isSame && earlier.deletedAt === null
          ? { kind: "earlier", partner: earlier }
          : { kind: "refusal", error: requestIdReused(String(requestId), isSame) };
      }
      const taken = externalId === null ? undefined : byExternalId.get(externalId);
      return taken === undefined || externalId === null
        ? none
        : { kind: "refusal", error: externalIdTaken(externalId, taken.id) };
    });
  }

  return {
    find,

    /**
     * The partner that is answered in place of one that could not be stored.
     *
     * @throws PartnerError REQUEST_ID_REUSED, EXTERNAL_ID_TAKEN
     * @throws DatabaseUnavailableError when nothing stands against it any more: the next try stores it.
     */
    async resolve(partner: Partner, noteChange: NoteChange | undefined): Promise<Partner> {
      const [obstacle = none] = await find([partner]);
      switch (obstacle.kind) {
        case "none":
          throw conflictGone();
        case "refusal":
          throw obstacle.error;
        case "stored":
          // This is the answer of that try, whatever became of the partner since.
          noteChange?.(createdChange(partner));
          return partner;
        case "earlier":
          noteChange?.(noChange(obstacle.partner));
          return obstacle.partner;
      }
    },
  };
}

export function conflictGone(): DatabaseUnavailableError {
  return new DatabaseUnavailableError(true, new Error("What was in conflict is gone."));
}
