import {
  createRowMapping,
  formatInstant,
  type Orm,
  query,
  type Row,
  withRetries,
} from "@partner-service/postgres-statements";
import { PartnerEntity } from "./partner-entity.ts";

/** How many are removed in one step. Each statement is about some of them, and takes milliseconds. */
export const purgeStep = 500;

/**
 * Makes the part of the repository that forgets deleted partners. What it is to remove is found in all
 * books; what it writes names the organization, as on a database that spreads rows over machines it must.
 */
export function createPartnerPurge(orm: Orm) {
  const { table } = createRowMapping(orm, PartnerEntity);
  // A deletion that followers have not been told of yet stays, however long that takes.
  const horizonSql = "select pg_snapshot_xmin(pg_current_snapshot())::text as horizon";
  const findSql = deletedSql(table);
  const noteSql = `insert into partner_purge (organization_id, change) values ($1, $2)
    on conflict (organization_id) do update set change = excluded.change
    where partner_purge.change < excluded.change`;
  const removeSql = `delete from ${table} where organization_id = $1 and id in (
    select id from ${table} where organization_id = $1 and id = any($2::uuid[])
      and deleted_at is not null for update skip locked) returning id`;

  return {
    /**
     * Removes some of the partners that were deleted so many days ago, the oldest first, and answers how
     * many: 0 when none is left that no other process is removing. Any number of processes may do so at once.
     *
     * @param signal ends it between two statements.
     */
    async purge(retentionDays: number, signal: AbortSignal): Promise<number> {
      const run = (text: string, values: readonly unknown[]) =>
        withRetries(() => query(orm, text, values), signal);
      const deletedBefore = orm.clock.now().subtract({ hours: 24 * retentionDays });
      const [server] = await run(horizonSql, []);
      const found = await run(findSql, [formatInstant(deletedBefore), server?.horizon]);
      let removed = 0;
      for (const [organizationId, rows] of Map.groupBy(found, (row) => row.organizationId)) {
        // First, and committed: a follower that finds one of them gone has to find why (change-feed.ts).
        await run(noteSql, [organizationId, greatestChange(rows)]);
        const ids = rows.map(({ id }) => id);
        removed += (await run(removeSql, [organizationId, ids])).length;
      }
      return removed;
    },
  };
}

/** The statement that finds what to remove: one of the two that do not start with the organization. */
export function deletedSql(table: string): string {
  return `select organization_id as "organizationId", id, change::text as change from ${table}
    where deleted_at < $1 and change < $2 order by deleted_at limit ${purgeStep}`;
}

function greatestChange(rows: readonly Row[]): string {
  const changes = rows.map(({ change }) => BigInt(String(change)));
  return String(changes.sort((a, b) => (a < b ? -1 : 1)).at(-1));
}
