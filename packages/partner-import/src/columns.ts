import { isCountry } from "./countries.ts";
import { type FieldName, fieldNames, fields } from "./fields.ts";
import { readPartnerType } from "./partner-types.ts";
import type { Table } from "./table.ts";
import { textKey } from "./text-key.ts";

/** The field that each column holds; undefined for one that is not imported. */
export type Columns = readonly (FieldName | undefined)[];

/** How many rows are looked at where the header does not tell. */
const probedRows = 50;

/** What the cells of a field look like, where they can be told from others. */
const looks: Readonly<Partial<Record<FieldName, (cell: string) => boolean>>> = {
  email: (cell) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(cell),
  partnerType: (cell) => readPartnerType(cell) !== undefined,
  countryCode: isCountry,
};

/**
 * Guesses what the columns hold, by their headings and, where these do not tell, by their cells. Each field
 * is that of one column at most.
 */
export function guessColumns({ header, rows }: Table): Columns {
  const keys = header.map(textKey);
  const matches = fieldNames
    .flatMap((field) => keys.map((key, column) => ({ field, column, score: score(field, key) })))
    .filter((match) => match.score > 0)
    .sort((one, other) => other.score - one.score);
  const columns: (FieldName | undefined)[] = header.map(() => undefined);
  for (const { field, column } of matches) {
    if (columns[column] === undefined && !columns.includes(field)) {
      columns[column] = field;
    }
  }
  for (const field of fieldNames.filter((name) => looks[name] && !columns.includes(name))) {
    const column = header.findIndex((_heading, index) => looksLike(field, index));
    if (column !== -1) {
      columns[column] = field;
    }
  }
  return columns;

  function looksLike(field: FieldName, column: number): boolean {
    const cells = rows
      .slice(0, probedRows)
      .map((row) => row.cells[column]?.trim() ?? "")
      .filter((cell) => cell !== "");
    return (
      columns[column] === undefined &&
      cells.length > 0 &&
      cells.every((cell) => looks[field]?.(cell))
    );
  }
}

/** How well a heading fits a field: 0 for not at all. A whole heading is better than a part, a long part than a short one. */
function score(field: FieldName, key: string): number {
  const { name, headings } = fields[field];
  const fits = [name, ...headings].map(textKey).map((heading) => {
    if (heading === key) {
      return 100;
    }
    const isPart = heading.length >= 4 && (key.startsWith(heading) || key.endsWith(heading));
    return isPart ? heading.length : 0;
  });
  return Math.max(...fits);
}

/** The required fields that no column and no value for all rows gives. An empty state is `-`. */
export function missingFields(
  columns: Columns,
  defaults: Readonly<Partial<Record<FieldName, string>>>,
): readonly FieldName[] {
  return fieldNames.filter(
    (field) =>
      fields[field].isRequired &&
      field !== "state" &&
      !columns.includes(field) &&
      (defaults[field] ?? "") === "",
  );
}
