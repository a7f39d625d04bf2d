import {
  type Asker,
  createFairTurns,
  createRowMapping,
  databasePatienceMs,
  type Orm,
  retryInTurn,
  run,
  withRetries,
} from "@partner-service/postgres-statements";
import { countStatement, isScan, type ListQuery, pageStatement } from "./list-statements.ts";
import { PartnerEntity } from "./partner-entity.ts";

export function createPartnerLists(orm: Orm) {
  // All columns, in the table's order: where PostgreSQL has to sort a book, it then sorts the rows as
  // they are, and would else make a narrower one of each first, which takes as long again.
  const { table, wholeRow: selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const scanInTurn = createScanTurns(orm);

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

  /** Does what may read much of a book. */
  const scan = <T>(asker: Asker, work: () => Promise<T>) =>
    withRetries(() => scanInTurn(asker, () => orm.inTurn(asker, work)), asker.signal);

  return {
    /** Answers a page, whether partners come after it, and, if the query asks for it, how many all pages have. */
    list: (listQuery: ListQuery, asker: Asker) =>
      isScan(listQuery)
        ? scan(asker, () => read(listQuery, asker.signal))
        : retryInTurn(orm, asker, () => read(listQuery)),
  };
}

/**
 * Scans have a fifth of the connections at most, and one requester half of that: others find the rest. A statement
 * whose caller has left keeps its turn until the server has ended it. The rest of what a call waits for is for its
 * statements: most searches of a million take less.
 */
const createScanTurns = ({ poolSize }: Orm) =>
  createFairTurns(Math.max(1, Math.floor(poolSize / 5)), databasePatienceMs / 3);
