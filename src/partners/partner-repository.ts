import {
  createInsertion,
  createJoining,
  createRowMapping,
  createSharing,
  createUuidV7Generator,
  DatabaseError,
  type JoinedCall,
  type JoiningLimits,
  type Orm,
  query,
  rehearse,
  turnPatienceMs,
  withRetries,
} from "@partner-service/postgres-statements";
import type { Writer } from "../context.ts";
import { createConnections } from "./connections.ts";
import { createInvitations } from "./invitations.ts";
import { createPartnerBatches } from "./partner-batch.ts";
import { createConflicts, settle } from "./partner-conflicts.ts";
import { createPartnerEdits } from "./partner-edits.ts";
import {
  type AuthoredPartner,
  initialPartner,
  type NewPartner,
  type Partner,
  PartnerEntity,
} from "./partner-entity.ts";
import { createPartnerFinds } from "./partner-finds.ts";
import { createPartnerLists } from "./partner-list.ts";
import { createPartnerPurge } from "./partner-purge.ts";
import { createdChange } from "./partner-writes.ts";

/**
 * Few statements under way make large ones, and the server commits them together; a second one uses
 * the time in which the first waits for the disk. The other connections of the pool are for reads.
 * More rows would save little by the row, and keep the server waiting while they gather. The
 * contract bounds the texts of a row, and with them a statement.
 */
const defaultInsertLimits: JoiningLimits = {
  statements: 3,
  callsPerStatement: 32,
  waiting: 2048,
  waitMs: turnPatienceMs,
};

export type PartnerRepository = ReturnType<typeof createPartnerRepository>;

/**
 * Makes the repository of partners. Every query carries the organization whose book it is about, and
 * every write is one statement that checks and writes at once. The calls that are many, creates and
 * finds, share their statements with those that are made at the same time.
 *
 * A signal ends the waiting for a database that is away, or for others, and of the statements under way
 * those of lists that may read much of a book.
 *
 * Whatever it does fails with DatabaseUnavailableError while the database is away, and with OverloadedError
 * where too many calls wait already.
 */
export function createPartnerRepository(orm: Orm, insertLimits = defaultInsertLimits) {
  const nextId = createUuidV7Generator(orm.clock.milliseconds);
  const mapping = createRowMapping(orm, PartnerEntity);
  const findOutcomes = createConflicts(orm);

  const sharing = createSharing(orm, mapping.table);
  const insertRows = createInsertion(orm, mapping, sharing, {
    name: "insert-partners",
    ending: "on conflict do nothing returning id",
  });
  const insertJoined = createJoining(
    sharing.split(insertTogether, ({ organizationId }) => organizationId),
    insertLimits,
  );
  const finds = createPartnerFinds(orm);

  /**
   * Stores each partner exactly as given, unless its organization has its id, its request id or its
   * external id already, and answers whether it is stored, after the commit.
   */
  async function insertTogether(
    calls: readonly JoinedCall<AuthoredPartner, boolean>[],
  ): Promise<void> {
    // Two processes that write the same request ids in the same order do not block each other.
    const partners = calls
      .map(({ item }) => item)
      .sort((a, b) => ((a.requestId ?? a.id) < (b.requestId ?? b.id) ? -1 : 1));
    try {
      const inserted = await insertRows(partners, calls);
      // A set would have V8 keep each id in its table of texts, where nearly always all are stored.
      const ids =
        inserted.length === calls.length ? undefined : new Set(inserted.map(({ id }) => id));
      for (const { item, resolve } of calls) {
        resolve(ids === undefined || ids.has(item.id));
      }
    } catch (failure) {
      if (calls.length > 1 && failure instanceof DatabaseError && failure.isOfValues) {
        // One bad row fails the statement. Halving finds it, and stores all others.
        const middle = Math.ceil(calls.length / 2);
        await insertTogether(calls.slice(0, middle));
        await insertTogether(calls.slice(middle));
        return;
      }
      for (const { reject } of calls) {
        reject(failure);
      }
    }
  }

  async function insertOrFind(
    partner: AuthoredPartner,
    signal: AbortSignal,
    writer: Writer | undefined,
  ): Promise<Partner> {
    if (await insertJoined(partner, signal)) {
      writer?.noteChange(createdChange(partner));
      return partner;
    }
    // Whoever creates is the organization of the book.
    const asker = { key: partner.organizationId, signal };
    const [outcome] = await orm.inTurn(asker, () => findOutcomes([partner]));
    return settle(outcome, writer);
  }

  return {
    ...createWrites(orm),
    ...createPartnerLists(orm),
    ...createPartnerPurge(orm),

    /** Does what changes a book without leaving a change: it succeeds, and fails, as that would. */
    rehearsal: createRehearsal(orm),
    find: finds.find,

    /** How many calls wait for a statement. */
    waitingCalls: () => insertJoined.waitingCalls() + finds.waitingCalls(),

    /**
     * Creates a partner, and answers it as it is stored. With a `requestId` that the organization
     * used before, for the same content, it answers the partner that was created then, as it is now.
     *
     * @throws PartnerError REQUEST_ID_REUSED, EXTERNAL_ID_TAKEN
     */
    create(newPartner: NewPartner, signal: AbortSignal, writer?: Writer): Promise<Partner> {
      // The id stays the same in all tries: that makes them safe.
      const partner = initialPartner(newPartner, nextId(), orm.clock.now(), writer);
      return withRetries(() => insertOrFind(partner, signal, writer), signal);
    },

    /**
     * Opens the connections that creates use, and prepares their statement on each, so that the first
     * need not wait for it.
     */
    async warmUp() {
      const connections = Array.from({ length: insertLimits.statements });
      await Promise.all(connections.map(() => insertRows([])));
    },
  };
}

/** What changes a book, but for single creates, and what belongs to it. */
function createWrites(orm: Orm, rehearsal = false) {
  const run = rehearsal ? rehearse : query;
  return {
    ...createPartnerBatches(orm, rehearsal),
    ...createPartnerEdits(orm, run),
    ...createInvitations(orm, run),
    ...createConnections(orm, run),
  };
}

/** Makes what does to a book what the repository does, by the same statements, and undoes it at once. */
function createRehearsal(orm: Orm) {
  const writes = createWrites(orm, true);
  return {
    ...writes,
    async create(newPartner: NewPartner, signal: AbortSignal, writer?: Writer): Promise<Partner> {
      const asker = { key: newPartner.organizationId, signal };
      const [outcome] = await writes.createEach([newPartner], asker);
      return settle(outcome, writer);
    },
  };
}
