import { type BatchEntry, type BatchLimits, createBatcher } from "../database/batcher.ts";
import { DatabaseError } from "../database/failures.ts";
import type { Orm } from "../database/orm.ts";
import { createStatement } from "../database/query.ts";
import { databasePatienceMs } from "../database/retries.ts";
import { createRowMapping } from "../database/row-mapping.ts";
import { type Partner, PartnerEntity } from "./partner-entity.ts";

/** Stores new partners: those that are created at the same time with one INSERT. */
export interface PartnerWriter {
  /**
   * Stores the partner exactly as given, unless its organization has its id or its request id
   * already. Answers whether it is stored, after the commit.
   *
   * @param signal takes the partner out if it aborts before its statement is sent.
   * @throws OverloadedError
   * @throws DatabaseUnavailableError
   * @throws DatabaseError
   */
  insert(partner: Partner, signal: AbortSignal): Promise<boolean>;

  /** Opens the connections that the writer uses, and prepares its statement on each. */
  warmUp(): Promise<void>;
}

/**
 * Few statements under way make large ones, and the server commits them together; a second one uses
 * the time in which the first waits for the disk. The other connections of the pool are for reads.
 * More rows would save little by the row, and keep the server waiting while they gather. The
 * contract bounds the texts of a row, and with them a statement.
 */
const defaultLimits: BatchLimits = {
  batches: 3,
  itemsPerBatch: 32,
  waiting: 2048,
  waitMs: databasePatienceMs,
};

/** Makes the writer of new partners. */
export function createPartnerWriter(orm: Orm, limits = defaultLimits): PartnerWriter {
  const { insertion, toJson } = createRowMapping(orm, PartnerEntity);
  const insertRows = createStatement(
    orm,
    "insert-partners",
    `${insertion} on conflict do nothing returning id`,
  );

  async function insertTogether(entries: readonly BatchEntry<Partner, boolean>[]): Promise<void> {
    // Two processes that write the same request ids in the same order do not block each other.
    const partners = entries
      .map(({ item }) => item)
      .sort((a, b) => ((a.requestId ?? a.id) < (b.requestId ?? b.id) ? -1 : 1));
    try {
      const inserted = await insertRows([toJson(partners)]);
      const ids = new Set(inserted.map(({ id }) => id));
      for (const { item, resolve } of entries) {
        resolve(ids.has(item.id));
      }
    } catch (failure) {
      if (failure instanceof DatabaseError && entries.length > 1) {
        // One bad row fails the statement. Halving finds it, and stores all others.
        const middle = Math.ceil(entries.length / 2);
        await insertTogether(entries.slice(0, middle));
        await insertTogether(entries.slice(middle));
        return;
      }
      for (const { reject } of entries) {
        reject(failure);
      }
    }
  }

  const insert = createBatcher(insertTogether, limits);
  return {
    insert,
    async warmUp() {
      await Promise.all(Array.from({ length: limits.batches }, () => insertRows([toJson([])])));
    },
  };
}
