import { type BatchEntry, type BatchLimits, createBatcher } from "../database/batcher.ts";
import type { Orm } from "../database/orm.ts";
import { createStatement } from "../database/query.ts";
import { databasePatienceMs } from "../database/retries.ts";
import { createRowMapping } from "../database/row-mapping.ts";
import { type Partner, PartnerEntity } from "./partner-entity.ts";

/** Finds partners by their ids: those that are asked for at the same time with one SELECT. */
export interface PartnerFinder {
  /**
   * Finds the partner of that organization's book; undefined if it holds no such one.
   *
   * @param organizationId in lower case.
   * @param signal takes the question out if it aborts before its statement is sent.
   * @throws OverloadedError
   * @throws DatabaseUnavailableError
   */
  find(organizationId: string, id: string, signal: AbortSignal): Promise<Partner | undefined>;
}

/** A statement that reads is short: a second one uses the time that the first is on its way. */
const limits: BatchLimits = {
  batches: 2,
  itemsPerBatch: 256,
  waiting: 2048,
  waitMs: databasePatienceMs,
};

interface Key {
  readonly organizationId: string;
  readonly id: string;
}

/**
 * The statement that finds rows by two lists, of organizations and of ids. A subquery with a limit
 * makes it one look into the primary key for each, whatever the planner thinks of the lists' length.
 */
export function findStatement(table: string, selection: readonly string[]): string {
  return `select found.* from unnest($1::uuid[], $2::uuid[]) as wanted (organization_id, id)
    cross join lateral (
      select ${selection.join(", ")} from ${table}
      where organization_id = wanted.organization_id and id = wanted.id and deleted_at is null
      limit 1
    ) as found`;
}

/** Makes the finder of partners. */
export function createPartnerFinder(orm: Orm): PartnerFinder {
  const { table, selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const findRows = createStatement(orm, "find-partners", findStatement(table, selection));

  async function findTogether(
    entries: readonly BatchEntry<Key, Partner | undefined>[],
  ): Promise<void> {
    try {
      const keys = entries.map(({ item }) => item);
      const rows = await findRows([
        keys.map(({ organizationId }) => organizationId),
        keys.map(({ id }) => id),
      ]);
      const partners = new Map(
        rows.map(toEntity).map((partner) => [keyOf(partner.organizationId, partner.id), partner]),
      );
      for (const { item, resolve } of entries) {
        resolve(partners.get(keyOf(item.organizationId, item.id)));
      }
    } catch (failure) {
      for (const { reject } of entries) {
        reject(failure);
      }
    }
  }

  const find = createBatcher(findTogether, limits);
  return {
    find: (organizationId, id, signal) =>
      // Rows come with their ids in lower case.
      find({ organizationId, id: id.toLowerCase() }, signal),
  };
}

function keyOf(organizationId: string, id: string): string {
  return `${organizationId}/${id}`;
}
