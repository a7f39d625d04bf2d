import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import type { Orm } from "../database/orm.ts";
import { run } from "../database/query.ts";
import { withRetries } from "../database/retries.ts";
import { createRowMapping } from "../database/row-mapping.ts";
import { type Partner, PartnerEntity } from "./partner-entity.ts";
import { PartnerError } from "./partner-error.ts";
import { createPartnerFinder } from "./partner-finder.ts";
import { countStatement, type ListQuery, pageStatement } from "./partner-list.ts";

/** A page of a list. */
export interface PartnerPage {
  readonly partners: readonly Partner[];
  /** Whether partners come after these. */
  readonly more: boolean;
  /** How many partners all pages have together, if the query asked for it. */
  readonly totalSize: number | undefined;
}

/** Reads the partners of an organization's book. */
export interface PartnerReader {
  /**
   * @throws PartnerError PARTNER_NOT_FOUND
   * @throws OverloadedError
   * @throws DatabaseUnavailableError
   */
  find(organizationId: string, id: string, signal: AbortSignal): Promise<Partner>;

  /** @throws DatabaseUnavailableError */
  list(listQuery: ListQuery, signal: AbortSignal): Promise<PartnerPage>;
}

/** Makes the reader of partners. */
export function createPartnerReader(orm: Orm): PartnerReader {
  // All columns, in the table's order: where PostgreSQL has to sort a book, it then sorts the rows as
  // they are, and would else make a narrower one of each first, which takes as long again.
  const { table, selection, toEntity } = createRowMapping(orm, PartnerEntity);
  const finder = createPartnerFinder(orm);

  return {
    find: (organizationId, id, signal) =>
      withRetries(async () => {
        const partner = await finder.find(organizationId, id, signal);
        if (partner === undefined) {
          throw partnerNotFound();
        }
        return partner;
      }, signal),

    list: (listQuery, signal) =>
      withRetries(async () => {
        const page = pageStatement(table, selection, listQuery);
        const count = countStatement(table, listQuery);
        const [rows, [counted]] = await Promise.all([
          run(orm, page),
          listQuery.countAll ? run(orm, count) : [],
        ]);
        return {
          partners: rows.slice(0, listQuery.pageSize).map(toEntity),
          more: rows.length > listQuery.pageSize,
          totalSize: counted === undefined ? undefined : Number(counted.count),
        };
      }, signal),
  };
}

/** The error for a partner that the book does not hold. */
export function partnerNotFound(): PartnerError {
  return new PartnerError(
    ErrorReason.PARTNER_NOT_FOUND,
    "The target organization has no such partner.",
  );
}
