import {
  createJoining,
  createRowMapping,
  createSharing,
  createStatement,
  type JoinedCall,
  type JoiningLimits,
  type Orm,
  turnPatienceMs,
  withRetries,
} from "@partner-service/postgres-statements";
import { type Partner, PartnerEntity, type PartnerKey } from "./partner-entity.ts";
import { partnerError } from "./partner-error.ts";

/** A statement that reads is short: a second one uses the time that the first is on its way. */
const findLimits: JoiningLimits = {
  statements: 2,
  callsPerStatement: 256,
  waiting: 2048,
  waitMs: turnPatienceMs,
};

/**
 * The statement that finds rows by two lists, of organizations and of ids. A subquery with a limit
 * makes it one look into the primary key for each, whatever the planner thinks of the lists' length. That
 * it does not see: else it would plan the statement anew for each execution, which takes as long again as
 * all else that a lone find waits for.
 */
export function findStatement(table: string, selection: string): string {
  return `select found.* from unnest((select $1::uuid[]), (select $2::uuid[])) as wanted (organization_id, id)
    cross join lateral (
      select ${selection} from ${table}
      where organization_id = wanted.organization_id and id = wanted.id and deleted_at is null
      limit 1
    ) as found`;
}

/** Makes the part of the repository that finds partners; those who ask at once share a statement. */
export function createPartnerFinds(orm: Orm) {
  const { table, selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const findRows = createStatement(orm, "find-partners", findStatement(table, selection));
  // Citus takes no limit in a lateral subquery.
  const findOfOne = createStatement(
    orm,
    "find-partners-of-one",
    `select ${selection} from ${table}
      where organization_id = $1 and id = any($2::uuid[]) and deleted_at is null`,
  );
  const { isDistributed, split } = createSharing(orm, table);
  const findJoined = createJoining(
    split(findTogether, ({ organizationId }) => organizationId),
    findLimits,
  );

  async function findTogether(
    calls: readonly JoinedCall<PartnerKey, Partner | undefined>[],
  ): Promise<void> {
    try {
      const keys = calls.map(({ item }) => item);
      const ids = keys.map(({ id }) => id);
      const organizations = keys.map(({ organizationId }) => organizationId);
      const rows = (await isDistributed())
        ? await findOfOne([organizations[0], ids], calls)
        : await findRows([organizations, ids], calls);
      const partners = new Map(rows.map(toEntity).map((partner) => [textOf(partner), partner]));
      for (const { item, resolve } of calls) {
        resolve(partners.get(textOf(item)));
      }
    } catch (failure) {
      for (const { reject } of calls) {
        reject(failure);
      }
    }
  }

  return {
    /** @throws PartnerError PARTNER_NOT_FOUND */
    find: (key: PartnerKey, signal: AbortSignal) =>
      withRetries(async () => {
        const partner = await findJoined(key, signal);
        if (partner === undefined) {
          throw partnerError("PARTNER_NOT_FOUND");
        }
        return partner;
      }, signal),

    /** How many calls wait for a statement. */
    waitingCalls: findJoined.waitingCalls,
  };
}

function textOf({ organizationId, id }: PartnerKey): string {
  return `${organizationId}/${id}`;
}
