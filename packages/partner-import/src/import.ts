import { v5 as uuidV5 } from "uuid";
import {
  type BatchCreatePartnersResponse,
  ErrorReason,
  type PartnerCalls,
  reasonOf,
} from "../../client/src/index.ts";
import type { Columns } from "./columns.ts";
import { type FieldName, fieldNamed } from "./fields.ts";
import { createRowReader, type Problem, problemText, type RowReading } from "./rows.ts";
import type { Table, TableRow } from "./table.ts";

/** How the rows of a table become partners. */
export interface ImportSettings {
  readonly columns: Columns;
  /** Values for cells that are empty or have no column. */
  readonly defaults: Readonly<Partial<Record<FieldName, string>>>;
}

/** What becomes of a row. */
export type Fate =
  /** It can be created. */
  | { readonly kind: "new" }
  | { readonly kind: "created"; readonly id: string }
  /** It was created by an import before. */
  | { readonly kind: "present"; readonly id: string }
  /** It is the same as an earlier row. */
  | { readonly kind: "repeated"; readonly row: number }
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/** A row, and what becomes of it. */
export interface CheckedRow {
  readonly row: TableRow;
  readonly partner: RowReading["partner"];
  /** Follows from the partner, so that a row that was imported before is found again. */
  readonly requestId: string;
  readonly fate: Fate;
}

type Calls = Pick<PartnerCalls, "batchCreatePartners" | "listPartners">;

/** The most entries of a batch, and of a filter by ids. */
const batchRows = 100;

/** The namespace of request ids that are made of rows. */
const namespace = "6f0d7c52-95a5-4c3e-8a35-3c6f2f8f0b11";

/**
 * Asks the service what would become of the rows of a table, and changes nothing. Yields them in their order,
 * some at a time.
 *
 * @throws ConnectError when the service cannot be reached, or refuses the caller
 */
export async function* checkRows(
  partners: Calls,
  table: Table,
  { columns, defaults }: ImportSettings,
): AsyncGenerator<readonly CheckedRow[]> {
  const read = createRowReader(table, columns, defaults);
  const rowsById = new Map<string, number>();
  const rowsByExternalId = new Map<string, number>();

  function readRow(row: TableRow): Omit<CheckedRow, "fate"> & { readonly fate?: Fate } {
    const { partner, problems } = read(row);
    const requestId = uuidV5(JSON.stringify([partner, problems.map(problemText)]), namespace);
    const same = rowsById.get(requestId);
    const { externalId = "" } = partner;
    const namesake = rowsByExternalId.get(externalId);
    if (same !== undefined) {
      return { row, partner, requestId, fate: { kind: "repeated", row: same } };
    }
    rowsById.set(requestId, row.number);
    if (externalId !== "" && namesake === undefined) {
      rowsByExternalId.set(externalId, row.number);
    }
    const all =
      namesake === undefined
        ? problems
        : [...problems, { field: "externalId", message: `is that of row ${namesake}` } as const];
    const refused = all.length === 0 ? {} : { fate: { kind: "refused", problems: all } as const };
    return { row, partner, requestId, ...refused };
  }

  for (let start = 0; start < table.rows.length; start += batchRows) {
    const batch = table.rows.slice(start, start + batchRows).map(readRow);
    const asked = batch.filter(({ fate }) => fate?.kind !== "repeated");
    const answers = new Map<unknown, Fate>();
    for (const { row, fate } of await send(partners, asked, true)) {
      answers.set(row, fate);
    }
    const present = await findPresent(partners, [...answers.values()]);
    yield batch.map(({ fate, ...row }) => ({
      ...row,
      fate: settle(fate, answers.get(row.row), present),
    }));
  }
}

/** What a row's fate is, by what was found here and what the service says of the rest of it. */
function settle(
  own: Fate | undefined,
  answer: Fate | undefined,
  present: ReadonlySet<string>,
): Fate {
  if (own?.kind === "refused") {
    const known = new Set(own.problems.map(({ field }) => field));
    const others = answer?.kind === "refused" ? answer.problems : [];
    return {
      kind: "refused",
      problems: [...own.problems, ...others.filter(({ field }) => !known.has(field))],
    };
  }
  if (answer?.kind === "created") {
    return present.has(answer.id) ? { ...answer, kind: "present" } : { kind: "new" };
  }
  const fate = own ?? answer;
  if (fate === undefined) {
    throw new Error("A row has no fate.");
  }
  return fate;
}

/** The partners among those of a rehearsal that are in the book. */
async function findPresent(partners: Calls, fates: readonly Fate[]): Promise<ReadonlySet<string>> {
  const ids = fates.flatMap((fate) => (fate.kind === "created" ? [fate.id] : []));
  if (ids.length === 0) {
    return new Set();
  }
  const found = await partners.listPartners({ filters: { ids }, pageSize: batchRows });
  return new Set(found.partners.map(({ id }) => id));
}

/**
 * Creates those of the rows that can be. Yields them in their order, some at a time. Whatever interrupts it,
 * the same rows can be checked and created again: what is there is not created twice.
 *
 * @throws ConnectError as {@link checkRows}
 */
export async function* createRows(
  partners: Calls,
  rows: readonly CheckedRow[],
): AsyncGenerator<readonly CheckedRow[]> {
  const wanted = rows.filter(({ fate }) => fate.kind === "new");
  for (let start = 0; start < wanted.length; start += batchRows) {
    yield await send(partners, wanted.slice(start, start + batchRows), false);
  }
}

/** Sends rows as a batch, or as two where they are too long for one. */
async function send<Row extends Omit<CheckedRow, "fate">>(
  partners: Calls,
  rows: readonly Row[],
  validateOnly: boolean,
): Promise<readonly (Row & CheckedRow)[]> {
  const [first] = rows;
  if (first === undefined) {
    return [];
  }
  try {
    const { results } = await partners.batchCreatePartners({
      requests: rows.map(({ partner, requestId }) => ({ ...partner, requestId })),
      // That of the first entry, which a batch may share, so that the whole call is safe to repeat.
      requestId: first.requestId,
      allowPartial: true,
      validateOnly,
    });
    return rows.map((row, index) => ({ ...row, fate: toFate(results[index]) }));
  } catch (error) {
    if (reasonOf(error) !== ErrorReason.MESSAGE_TOO_LARGE) {
      throw error;
    }
    if (rows.length === 1) {
      const problems = [{ message: "it is longer than the service takes" }];
      return [{ ...first, fate: { kind: "refused", problems } }];
    }
    const half = Math.ceil(rows.length / 2);
    return [
      ...(await send(partners, rows.slice(0, half), validateOnly)),
      ...(await send(partners, rows.slice(half), validateOnly)),
    ];
  }
}

type Result = BatchCreatePartnersResponse["results"][number];

function toFate(given: Result | undefined): Fate {
  if (given?.result.case === "partner") {
    return { kind: "created", id: given.result.value.id };
  }
  if (given?.result.case !== "error") {
    throw new Error("The service has answered no result of an entry.");
  }
  const { fieldViolations, errorInfo, result } = given;
  const problems = fieldViolations.map(({ field, description }) => toProblem(field, description));
  if (errorInfo?.reason === "EXTERNAL_ID_TAKEN") {
    const owner = errorInfo.metadata.partner_id;
    problems.push({ field: "externalId", message: `is that of the partner ${owner} already` });
  } else if (errorInfo?.reason === "REQUEST_ID_REUSED") {
    problems.push({ message: "it was imported before, and its partner has been deleted since" });
  } else if (problems.length === 0) {
    problems.push({ message: result.value.message });
  }
  return { kind: "refused", problems };
}

/** @param path such as `requests[2].city` */
function toProblem(path: string, message: string): Problem {
  const name = path.replace(/^requests\[\d+\]\.?/, "");
  const field = fieldNamed(name);
  return field === undefined ? { message: `${name} ${message}` } : { field, message };
}

/** Whether a row is not in the book, and will not be as it is. */
export function isFailed({ fate }: CheckedRow): boolean {
  return fate.kind === "refused";
}

/** A row's fate, for a person. */
export function fateText(fate: Fate): string {
  switch (fate.kind) {
    case "new":
      return "can be created";
    case "created":
      return "created";
    case "present":
      return "already there";
    case "repeated":
      return `the same as row ${fate.row}`;
    case "refused":
      return fate.problems.map(problemText).join("; ");
  }
}
