import {
  type Asker,
  createRowMapping,
  createStatement,
  DatabaseUnavailableError,
  type Orm,
  query,
  type Row,
  retryInTurn,
  run,
  type Statement,
  withRetries,
} from "@partner-service/postgres-statements";
import type { AuthorColumns } from "../partners/author.ts";
import { type Partner, PartnerEntity } from "../partners/partner-entity.ts";
import { partnerError } from "../partners/partner-error.ts";

/** How far a follower of a book has come. Changes are ids of transactions, in decimal. */
export type ChangePosition = {
  /** The server's count of transactions that the changes are of. */
  readonly epoch: string;
  /** The last change that the follower was told of, by its id and that of its partner. */
  readonly change: string;
  readonly id: string;
  /** The last change that there was when the follower began. What was deleted by then it never had. */
  readonly begun: string;
};

export interface ChangeQuery {
  readonly organizationId: string;
  /** Undefined: the beginning of the whole book. */
  readonly after: ChangePosition | undefined;
  readonly pageSize: number;
}

/** A partner, and who made its last change. */
export type ChangedPartner = Partner & AuthorColumns;

export interface ChangePage {
  /** The partners as they are now, those that were deleted among them. */
  readonly partners: readonly ChangedPartner[];
  readonly position: ChangePosition;
  /** Whether there are changes already that come after these. */
  readonly more: boolean;
}

export type ChangeFeed = ReturnType<typeof createChangeFeed>;

/** The sizes of a page whose statements are prepared: what is read by far the most. */
export const defaultChanges = 100;
export const watchedChanges = 1000;
const preparedPageSizes = [defaultChanges, watchedChanges];

/** Before every change of every partner: what was written before there were changes has the change 0. */
const beginning = { change: "0", id: "00000000-0000-0000-0000-000000000000" };

/**
 * How many characters the texts of a page have together, a page of one partner excepted: in UTF-8 they
 * are 1.2 MB at most. Clients of gRPC take messages of 4 MiB, and a page waits in memory for who does not
 * read. Most partners have less than 300.
 */
const maxPageLength = 400_000;

/** The texts that make partners long; the others have a hundred characters together. */
const longTexts = [
  ...["companyName", "email", "paymentTerms", "address", "city", "state"],
  "companyRegistrationNumber",
] as const;

/** Below the horizon all transactions have ended: none can come that was not there. */
export const horizonSql = `select pg_snapshot_xmin(pg_current_snapshot())::text as horizon,
  system_identifier::text as system,
  case when pg_is_in_recovery() then null
    else left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end as timeline,
  to_regclass('partner')::oid::text as relation
  from pg_control_system()`;

/**
 * Makes the part of the repository that lists changes. docs/decisions/change-feed.md has the reasons why
 * none is missed.
 */
export function createChangeFeed(orm: Orm) {
  const { table, wholeRow, toEntity } = createRowMapping(orm, PartnerEntity);
  const findHorizon = createStatement(orm, "change-horizon", horizonSql);
  const findLimits = createStatement(
    orm,
    "change-limits",
    `select (select epoch from change_epoch where system_identifier = $2) as epoch,
      (select change::text from partner_purge where organization_id = $1) as purged`,
  );
  const lastChangeSql = `select change from ${table}
    where organization_id = $1 and change < $2 order by change desc limit 1`;

  /** The greatest change that is told of now: 0 for an empty book. */
  async function findLastChange(organizationId: string, horizon: unknown): Promise<string> {
    const [row] = await query(orm, lastChangeSql, [organizationId, horizon]);
    return String(row?.change ?? beginning.change);
  }

  async function list({ organizationId, after, pageSize }: ChangeQuery): Promise<ChangePage> {
    const [server] = await findHorizon([]);
    const { horizon, system, timeline, relation } = server ?? {};
    if (timeline === null) {
      throw new DatabaseUnavailableError(false, new Error("The database is a standby."));
    }
    const last = after === undefined ? await findLastChange(organizationId, horizon) : after.begun;
    const from = after ?? beginning;
    const values = [organizationId, from.change, from.id, horizon];
    const rows = await run(orm, changesStatement(table, wholeRow, values, pageSize));
    // Tombstones are removed only after it is written down which: this comes last.
    const [limits] = await findLimits([organizationId, system]);
    if (limits?.epoch === null) {
      throw new Error(
        "The database has come from another server: `npm run migrate` begins a new epoch of changes.",
      );
    }
    const epoch = `${limits?.epoch} ${timeline} ${relation}`;
    const purged = String(limits?.purged ?? beginning.change);
    const isLost = isAfter(purged, from.change) && isAfter(purged, last);
    if (after !== undefined && (after.epoch !== epoch || isLost)) {
      throw partnerError("CHANGE_TOKEN_EXPIRED");
    }
    // What a transaction has deleted that is still open comes later, however old it is.
    const begun = isLost && isAfter(horizon, purged) ? purged : last;
    const kept = cutPage(rows, pageSize);
    const { change, id } = kept.at(-1) ?? from;
    return {
      partners: kept
        .filter((row) => row.deletedAt === null || isAfter(row.change, begun))
        .map(toEntity),
      position: { epoch, change: String(change), id: String(id), begun },
      more: rows.length > kept.length,
    };
  }

  return {
    /** @throws PartnerError CHANGE_TOKEN_EXPIRED */
    listChanges: (changeQuery: ChangeQuery, asker: Asker) =>
      retryInTurn(orm, asker, () => list(changeQuery)),

    /**
     * Reads a page for all who wait for it.
     *
     * @throws PartnerError CHANGE_TOKEN_EXPIRED
     */
    readChanges: (changeQuery: ChangeQuery, signal: AbortSignal) =>
      withRetries(() => list(changeQuery), signal),
  };
}

/**
 * The statement for a page, and one row more if there is one. It tells nothing while the horizon lies ahead of the
 * server's own: that has crashed since the horizon was taken, and gives ids below it out again; the next page is read
 * by another one. PostgreSQL asks that once, before it looks for rows. On Citus a worker would be asked, which counts
 * by itself.
 */
export function changesStatement(
  table: string,
  selection: string,
  values: readonly unknown[],
  pageSize: number,
): Statement {
  const isPrepared = preparedPageSizes.includes(pageSize);
  return {
    ...(isPrepared ? { name: `list-changes-${pageSize}` } : {}),
    text: `select ${selection} from ${table}
      where organization_id = $1 and (change, id) > ($2, $3) and change < $4
        and ($4 <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
          or to_regclass('pg_dist_partition') is not null)
      order by change, id limit ${pageSize + 1}`,
    values,
  };
}

/** The rows that a page holds, so that it is not too long. */
function cutPage(rows: readonly Row[], pageSize: number): readonly Row[] {
  let length = 0;
  for (const [index, row] of rows.entries()) {
    for (const name of longTexts) {
      length += String(row[name]).length;
    }
    if (index === pageSize || (index > 0 && length > maxPageLength)) {
      return rows.slice(0, index);
    }
  }
  return rows;
}

function isAfter(change: unknown, other: unknown): boolean {
  return BigInt(String(change)) > BigInt(String(other));
}
