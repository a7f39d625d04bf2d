import { hash } from "node:crypto";
import type { Change, NoteChange } from "../context.ts";
import { createInsertion, createSharing } from "../database/distribution.ts";
import type { Orm } from "../database/orm.ts";
import { query, rehearse } from "../database/query.ts";
import { withRetries } from "../database/retries.ts";
import { createRowMapping } from "../database/row-mapping.ts";
import { createUuidV7Generator } from "../database/uuid-v7.ts";
import { conflictGone, createConflicts, isConflict, type Obstacle } from "./partner-conflicts.ts";
import {
  createdChange,
  fingerprint,
  initialPartner,
  type NewPartner,
  noChange,
  type Partner,
  PartnerEntity,
} from "./partner-entity.ts";
import { ofEntry, type PartnerError, requestIdReused } from "./partner-error.ts";

/** Partners that are created together, in one organization's book. */
export interface NewBatch {
  readonly newPartners: readonly NewPartner[];
  /**
   * Stands for the batch as a whole, which is then created, or found, as one; the request ids of its
   * partners follow from it. Null: each partner is made safe by its own request id.
   */
  readonly requestId: string | null;
}

/** What has become of one of several partners. */
export type BatchResult = { readonly partner: Partner } | { readonly error: PartnerError };

/** Creates partners together. */
export interface PartnerBatches {
  /**
   * Creates partners of one organization, all or none, and answers them as they are stored, in the
   * order given. Those whose request id the organization used before, for the same content, are answered
   * as they are now.
   *
   * @param signal ends the waiting for a database that is away, not a statement under way.
   * @throws PartnerError REQUEST_ID_REUSED, EXTERNAL_ID_TAKEN
   * @throws DatabaseUnavailableError
   */
  createBatch(
    batch: NewBatch,
    signal: AbortSignal,
    noteChange?: NoteChange,
  ): Promise<readonly Partner[]>;

  /**
   * Creates those that can be, likewise.
   *
   * @throws DatabaseUnavailableError
   */
  createEach(
    newPartners: readonly NewPartner[],
    signal: AbortSignal,
    noteChange?: NoteChange,
  ): Promise<readonly BatchResult[]>;
}

/** How often what stands against some of the partners may change while the others are stored. */
const maxRounds = 5;

/**
 * Makes the part of the repository that creates partners together.
 *
 * @param rehearsal whether what is created is taken back at once
 */
export function createPartnerBatches(orm: Orm, rehearsal = false): PartnerBatches {
  const nextId = createUuidV7Generator(orm.clock.milliseconds);
  const mapping = createRowMapping(orm, PartnerEntity);
  const sharing = createSharing(orm, mapping.table);
  const insertRows = createInsertion(orm, mapping, sharing, { rehearsal });
  const conflicts = createConflicts(orm, rehearsal ? rehearse : query);

  /** Answers false when a row conflicts, and then none is stored. */
  async function insert(partners: readonly Partner[]): Promise<boolean> {
    try {
      // Unlike a single insert it fails on a conflict: `on conflict do nothing` would store the others.
      await insertRows(partners);
      return true;
    } catch (failure) {
      if (isConflict(failure)) {
        return false;
      }
      throw failure;
    }
  }

  /**
   * Stores the partners against which nothing stands, together.
   *
   * @param judge sees what stands against those that are left, and throws where none is to be stored.
   */
  async function store(
    partners: readonly Partner[],
    judge: (obstacles: readonly Obstacle[]) => void,
    noteChange: NoteChange | undefined,
  ): Promise<readonly BatchResult[]> {
    const results = new Map<Partner, BatchResult>();
    const changes: Change[] = [];
    let left = partners;
    for (let rounds = 1; left.length > 0; rounds += 1) {
      const stored = await insert(left);
      const obstacles = stored ? left.map(() => alreadyStored) : await conflicts.find(left);
      judge(obstacles);
      for (const [index, partner] of left.entries()) {
        const obstacle = obstacles[index];
        if (obstacle?.kind === "stored") {
          results.set(partner, { partner });
          changes.push(createdChange(partner));
        } else if (obstacle?.kind === "earlier") {
          results.set(partner, { partner: obstacle.partner });
          changes.push(noChange(obstacle.partner));
        } else if (obstacle?.kind === "refusal") {
          results.set(partner, { error: obstacle.error });
        }
      }
      left = left.filter((partner) => !results.has(partner));
      if (rounds === maxRounds && left.length > 0) {
        throw conflictGone();
      }
    }
    for (const change of changes) {
      noteChange?.(change);
    }
    return partners.flatMap((partner) => results.get(partner) ?? []);
  }

  return {
    async createBatch({ newPartners, requestId }, signal, noteChange) {
      const whole = requestId === null ? undefined : batchFingerprint(newPartners);
      // The ids stay the same in all tries: that makes them safe. They grow, so that the order of
      // the ids is that of the batch.
      const partners = newPartners.map((newPartner) => {
        const partner = initialPartner(newPartner, nextId(), orm.clock.now());
        return whole === undefined ? partner : { ...partner, requestFingerprint: whole };
      });
      const judge = requestId === null ? refuseForOne : refuseAsOne(requestId);
      const results = await withRetries(() => store(partners, judge, noteChange), signal);
      return results.flatMap((result) => ("partner" in result ? result.partner : []));
    },

    async createEach(newPartners, signal, noteChange) {
      const partners = newPartners.map((newPartner) =>
        initialPartner(newPartner, nextId(), orm.clock.now()),
      );
      return await withRetries(() => store(partners, () => {}, noteChange), signal);
    },
  };
}

const alreadyStored: Obstacle = { kind: "stored" };

/** Throws for the first that cannot be created. */
function refuseForOne(obstacles: readonly Obstacle[]): void {
  for (const [index, obstacle] of obstacles.entries()) {
    if (obstacle.kind === "refusal") {
      throw ofEntry(obstacle.error, index);
    }
  }
}

/** Throws where a request id that stands for all of them was used before, and not for all of them. */
function refuseAsOne(requestId: string): (obstacles: readonly Obstacle[]) => void {
  return (obstacles) => {
    const found = obstacles.filter(({ kind }) => kind === "earlier");
    for (const obstacle of obstacles) {
      const { cause } = obstacle.kind === "refusal" ? (obstacle.error.facts.metadata ?? {}) : {};
      if (cause !== undefined) {
        throw requestIdReused(requestId, cause === "PARTNER_DELETED");
      }
    }
    refuseForOne(obstacles);
    if (found.length > 0 && found.length < obstacles.length) {
      throw requestIdReused(requestId, true);
    }
  };
}

/** A hash of all that the caller wants created, which no single partner has. */
function batchFingerprint(newPartners: readonly NewPartner[]): string {
  return hash("sha256", JSON.stringify(["batch", ...newPartners.map(fingerprint)]), "hex");
}
