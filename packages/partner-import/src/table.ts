import Papa from "papaparse";

/** A table with a header, as it stands in a file or on the clipboard. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly TableRow[];
  /** What stands between two cells: `;`. */
  readonly delimiter: string;
}

export interface TableRow {
  /** As spreadsheets count: the header is row 1. */
  readonly number: number;
  /** One for each column of the header, and more where the row has more. */
  readonly cells: readonly string[];
  /** What is wrong with the row's form; absent where nothing is. */
  readonly fault?: string;
}

/** A table cannot be read: why, for a person. */
export class TableError extends Error {
  override readonly name = "TableError";
}

/** The longest table that is read. */
export const greatestTableBytes = 32 * 1024 * 1024;

/** The column that {@link writeRows} adds. */
const reasonHeading = "reason";

/** The text of a file: UTF-8, UTF-16 with a byte order mark, or else Windows-1252. */
export function decodeTable(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return new TextDecoder(first === 0xff ? "utf-16le" : "utf-16be").decode(bytes);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/**
 * Reads a table: cells between commas, semicolons, tabs or bars, with or without quotes.
 *
 * @throws TableError
 */
export function readTable(text: string): Table {
  if (text.length > greatestTableBytes) {
    throw new TableError(`The table is longer than ${greatestTableBytes / 1024 / 1024} MiB.`);
  }
  // The first line that Excel writes where it wants to say so.
  const [named = "", separator] = /^sep=(.)\r?\n/i.exec(text) ?? [];
  const content = text.slice(named.length);
  const delimiter = separator ?? guessDelimiter(content);
  const { data, errors } = Papa.parse<string[]>(content, { delimiter });
  const [broken] = errors;
  if (broken !== undefined) {
    throw new TableError(
      `A quotation mark in row ${numberOf(broken.row ?? 0)} is not closed, or not doubled within a cell.`,
    );
  }
  const top = data.findIndex(isFilled);
  const header = data[top]?.map((cell) => cell.trim());
  if (header === undefined) {
    throw new TableError("The table is empty.");
  }
  const rows = data.flatMap((cells, index): TableRow[] =>
    index <= top || !isFilled(cells) ? [] : [toRow(cells, numberOf(index), header.length)],
  );
  return { header, rows, delimiter };

  function numberOf(index: number): number {
    return index + (named === "" ? 1 : 2);
  }
}

/** That which makes the most columns of the header. */
function guessDelimiter(content: string): string {
  const columnsBy = (delimiter: string) =>
    Papa.parse<string[]>(content.trimStart(), { delimiter, preview: 1 }).data[0]?.length ?? 0;
  return [",", ";", "\t", "|"].reduce((best, other) =>
    columnsBy(other) > columnsBy(best) ? other : best,
  );
}

function isFilled(cells: readonly string[]): boolean {
  return cells.some((cell) => cell.trim() !== "");
}

function toRow(cells: readonly string[], number: number, columns: number): TableRow {
  const missing = Array<string>(Math.max(0, columns - cells.length)).fill("");
  const row = { number, cells: [...cells, ...missing] };
  return cells.slice(columns).some((cell) => cell.trim() !== "")
    ? { ...row, fault: `it has ${cells.length} cells, and the header ${columns}` }
    : row;
}

/**
 * Writes rows of a table as a table that can be read again, each with its reason in a last column. The
 * byte order mark says to spreadsheets that it is UTF-8.
 */
export function writeRows(
  { header, delimiter }: Table,
  rows: readonly { readonly row: TableRow; readonly reason: string }[],
): string {
  // The file may be one that was written here before.
  const reasonAt = header.lastIndexOf(reasonHeading);
  const without = (cells: readonly string[]) => cells.filter((_cell, index) => index !== reasonAt);
  const lines = [
    [...without(header), reasonHeading],
    ...rows.map(({ row, reason }) => [...without(row.cells.slice(0, header.length)), reason]),
  ];
  return `\uFEFF${Papa.unparse(lines, { delimiter, newline: "\r\n" })}\r\n`;
}
