import {
  createFairTurns,
  createRowMapping,
  databasePatienceMs,
  type FairLimits,
  type Orm,
  run,
  turnPatienceMs,
  withRetries,
} from "@partner-service/postgres-statements";
import { countStatement, isScan, type ListQuery, pageStatement } from "./list-statements.ts";
import { PartnerEntity } from "./partner-entity.ts";

export function createPartnerLists(orm: Orm) {
  // All columns, in the table's order: where PostgreSQL has to sort a book, it then sorts the rows as
  // they are, and would else make a narrower one of each first, which takes as long again.
  const { table, wholeRow: selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const scanInTurn = createFairTurns(scanLimits(orm.poolSize));
  const readInTurn = createFairTurns(pageLimits(orm.poolSize));

  /** One statement after the other, so that a list has one connection. */
  async function read(listQuery: ListQuery, signal?: AbortSignal) {
    const { after, pageSize, countAll } = listQuery;
    const rows = await run(orm, { ...pageStatement(table, selection, listQuery), signal });
    const more = rows.length > pageSize;
    const isWhole = after === undefined && !more;
    return {
      partners: rows.slice(0, pageSize).map(toEntity),
      more,
      totalSize: !countAll ? undefined : isWhole ? rows.length : await count(listQuery, signal),
    };
  }

  async function count(listQuery: ListQuery, signal?: AbortSignal): Promise<number> {
    const [row] = await run(orm, { ...countStatement(table, listQuery), signal });
    return Number(row?.count);
  }

  return {
    /**
     * Answers a page, whether partners come after it, and, if the query asks for it, how many all pages have.
     *
     * @param requester who asks: lists take turns by it
     */
    list: (listQuery: ListQuery, requester: string, signal: AbortSignal) =>
      withRetries(
        () =>
          isScan(listQuery)
            ? scanInTurn(requester, () => read(listQuery, signal), signal)
            : readInTurn(requester, () => read(listQuery), signal),
        signal,
      ),
  };
}

/**
 * Scans have a fifth of the connections at most, and one requester half of that: creates and gets find
 * the others. A statement whose caller has left keeps its turn until the server has ended it.
 */
function scanLimits(poolSize: number): FairLimits {
  const atOnce = Math.max(1, Math.floor(poolSize / 5));
  return {
    atOnce,
    atOnceOfOne: Math.max(1, Math.floor(atOnce / 2)),
    waitingOfOne: 32,
    holdersWaiting: 256,
    // The rest of what a call waits for is for its statements: most searches of a million take less.
    waitMs: databasePatienceMs / 3,
  };
}

/**
 * Each page is a statement of its own. A fifth of the connections is left by them, for the statements that creates
 * and gets share: in the pool's line these would come behind the pages of whoever asks for many at once.
 */
function pageLimits(poolSize: number): FairLimits {
  const atOnce = Math.max(1, poolSize - Math.ceil(poolSize / 5));
  return {
    atOnce,
    atOnceOfOne: atOnce,
    // How many calls a requester has under way is bounded already.
    waitingOfOne: Number.POSITIVE_INFINITY,
    holdersWaiting: 2048,
    waitMs: turnPatienceMs,
  };
}
