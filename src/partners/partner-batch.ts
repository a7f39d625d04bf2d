import { hash } from "node:crypto";
import {
  type Asker,
  createInsertion,
  createRowMapping,
  createSharing,
  createUuidV7Generator,
  type Orm,
  query,
  rehearse,
  retryInTurn,
} from "@partner-service/postgres-statements";
import type { Writer } from "../context.ts";
import {
  conflictGone,
  createConflicts,
  isConflict,
  type Outcome,
  storedOutcome,
} from "./partner-conflicts.ts";
import {
  type AuthoredPartner,
  fingerprint,
  initialPartner,
  type NewPartner,
  type Partner,
  PartnerEntity,
} from "./partner-entity.ts";
import { PartnerError, requestIdReused } from "./partner-error.ts";

/** Partners that are created together, in one organization's book. */
export interface NewBatch {
  readonly newPartners: readonly NewPartner[];
  /**
   * Stands for the batch as a whole, which is then created, or found, as one; the request ids of its
   * partners follow from it. Null: each partner is made safe by its own request id.
   */
  readonly requestId: string | null;
}

/** Sees the outcomes of those that are left, and throws where none of them is to be stored. */
type Judge = (outcomes: readonly (Outcome | undefined)[]) => void;

/** How often what stands against some of the partners may change while the others are stored. */
const maxRounds = 5;

/**
 * Makes the part of the repository that creates partners together.
 *
 * @param rehearsal whether what is created is taken back at once
 */
export function createPartnerBatches(orm: Orm, rehearsal = false) {
  const nextId = createUuidV7Generator(orm.clock.milliseconds);
  const mapping = createRowMapping(orm, PartnerEntity);
  const sharing = createSharing(orm, mapping.table);
  const insertRows = createInsertion(orm, mapping, sharing, { name: "insert-batch", rehearsal });
  const findOutcomes = createConflicts(orm, rehearsal ? rehearse : query);

  /** Stores all, or none where one is in conflict. */
  async function insertOrFind(partners: readonly AuthoredPartner[]) {
    try {
      // Unlike a single insert it fails on a conflict: `on conflict do nothing` would store the others.
      await insertRows(partners);
      return partners.map(storedOutcome);
    } catch (failure) {
      if (isConflict(failure)) {
        return await findOutcomes(partners);
      }
      throw failure;
    }
  }

  /** Stores the partners against which nothing stands, together. */
  async function store(
    partners: readonly AuthoredPartner[],
    judge: Judge,
    writer: Writer | undefined,
  ): Promise<readonly Outcome[]> {
    let outcomes: readonly (Outcome | undefined)[] = partners.map(() => undefined);
    for (let rounds = 0; outcomes.includes(undefined); rounds += 1) {
      if (rounds === maxRounds) {
        throw conflictGone();
      }
      const left = partners.filter((_, index) => outcomes[index] === undefined);
      const found = await insertOrFind(left);
      judge(found);
      const rest = found.values();
      outcomes = outcomes.map((outcome) => outcome ?? rest.next().value);
    }
    const known = outcomes.filter((outcome) => outcome !== undefined);
    for (const outcome of known) {
      if ("change" in outcome) {
        writer?.noteChange(outcome.change);
      }
    }
    return known;
  }

  /** The ids stay the same in all tries, which makes them safe, and grow in the order that is given. */
  function toPartners(
    newPartners: readonly NewPartner[],
    writer: Writer | undefined,
  ): readonly AuthoredPartner[] {
    const now = orm.clock.now();
    return newPartners.map((newPartner) => initialPartner(newPartner, nextId(), now, writer));
  }

  return {
    /**
     * Creates partners of one organization, all or none, and answers them as they are stored, in the
     * order given. Those whose request id the organization used before, for the same content, are answered
     * as they are now.
     *
     * @throws PartnerError REQUEST_ID_REUSED, EXTERNAL_ID_TAKEN
     */
    async createBatch(
      { newPartners, requestId }: NewBatch,
      asker: Asker,
      writer?: Writer,
    ): Promise<readonly Partner[]> {
      const whole = requestId === null ? undefined : batchFingerprint(newPartners);
      const partners = toPartners(newPartners, writer).map((partner) =>
        whole === undefined ? partner : { ...partner, requestFingerprint: whole },
      );
      const judge = requestId === null ? refuseForOne : refuseAsOne(requestId);
      const outcomes = await retryInTurn(orm, asker, () => store(partners, judge, writer));
      return outcomes.flatMap((outcome) => ("partner" in outcome ? outcome.partner : []));
    },

    /** Creates those that can be, likewise. */
    async createEach(
      newPartners: readonly NewPartner[],
      asker: Asker,
      writer?: Writer,
    ): Promise<readonly Outcome[]> {
      const partners = toPartners(newPartners, writer);
      return await retryInTurn(orm, asker, () => store(partners, () => {}, writer));
    },
  };
}

/** Throws for the first that cannot be created, which the error names. */
const refuseForOne: Judge = (outcomes) => {
  for (const [entry, outcome] of outcomes.entries()) {
    if (outcome !== undefined && "error" in outcome) {
      const { reason, message, facts } = outcome.error;
      const metadata = { ...facts.metadata, entry: String(entry) };
      throw new PartnerError(reason, message, { ...facts, metadata });
    }
  }
};

/** Throws where a request id that stands for all of them was used before, and not for all of them. */
function refuseAsOne(requestId: string): Judge {
  return (outcomes) => {
    for (const outcome of outcomes) {
      const { cause } = outcome && "error" in outcome ? (outcome.error.facts.metadata ?? {}) : {};
      if (cause !== undefined) {
        throw requestIdReused(requestId, cause === "PARTNER_DELETED");
      }
    }
    refuseForOne(outcomes);
    const found = outcomes.filter(
      (outcome) => outcome && "change" in outcome && outcome.change.revisionBefore !== null,
    );
    if (found.length > 0 && found.length < outcomes.length) {
      throw requestIdReused(requestId, true);
    }
  };
}

/** A hash of all that the caller wants created, which no single partner has. */
function batchFingerprint(newPartners: readonly NewPartner[]): string {
  return hash("sha256", JSON.stringify(["batch", ...newPartners.map(fingerprint)]), "hex");
}
