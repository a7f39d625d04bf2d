import type { CreatePartnerRequest } from "../../client/src/index.ts";
import { type DecimalMark, marksOf, readAmount } from "./amounts.ts";
import type { Columns } from "./columns.ts";
import { readCountry } from "./countries.ts";
import { type FieldName, fieldNames, fields } from "./fields.ts";
import { readPartnerType } from "./partner-types.ts";
import type { Table, TableRow } from "./table.ts";

/** What is wrong with a row. */
export interface Problem {
  /** Absent where it is the row as a whole. */
  readonly field?: FieldName;
  /** For a person. */
  readonly message: string;
}

/** The partner that a row stands for. */
export interface RowReading {
  readonly partner: Partial<Pick<CreatePartnerRequest, FieldName>>;
  readonly problems: readonly Problem[];
}

/** Reads rows. */
export type RowReader = (row: TableRow) => RowReading;

/** Where an address without a state is not whole. */
const countriesWithStates: ReadonlySet<string> = new Set([
  "AU",
  "BR",
  "CA",
  "CN",
  "IN",
  "IT",
  "JP",
  "MX",
  "MY",
  "US",
]);

/** What the contract wants for a state where addresses have none. */
const noState = "-";

/** What spreadsheets show in the place of a value that they could not compute. */
const spreadsheetError = /^#(?:N\/A|NV|REF!|BEZUG!|VALUE!|WERT!|NAME\?|DIV\/0!|NULL!|NUM!|ZAHL!)$/;

/**
 * Makes what reads the rows of a table.
 *
 * @param defaults values for cells that are empty or have no column
 */
export function createRowReader(
  table: Table,
  columns: Columns,
  defaults: Readonly<Partial<Record<FieldName, string>>>,
): RowReader {
  const indexes = fieldNames.map(
    (field) => [field, columns.flatMap((name, index) => (name === field ? [index] : []))] as const,
  );

  function textOf({ cells }: TableRow, field: FieldName, places: readonly number[]): string {
    const text = places
      .map((index) => clean(cells[index] ?? ""))
      .filter((cell) => cell !== "")
      .join(" ");
    return text === "" ? (defaults[field]?.trim() ?? "") : text;
  }

  const amounts = indexes.find(([field]) => field === "salesAmount")?.[1] ?? [];
  const marks = marksOf(table.rows.map((row) => textOf(row, "salesAmount", amounts)));
  return (row) => {
    const texts = new Map(
      indexes.map(([field, places]) => [field, textOf(row, field, places)] as const),
    );
    const { partner, problems } = toPartner(texts, marks);
    return {
      partner,
      problems: row.fault === undefined ? problems : [{ message: row.fault }, ...problems],
    };
  };
}

/** A cell without what is around its value: blanks, and the form in which text is kept from being a number. */
function clean(cell: string): string {
  return cell
    .trim()
    .replace(/^="(.*)"$/s, "$1")
    .replaceAll(/^[\s\u200b\ufeff]+|[\s\u200b\ufeff]+$/g, "");
}

function toPartner(
  texts: ReadonlyMap<FieldName, string>,
  marks: ReadonlySet<DecimalMark>,
): RowReading {
  const partner: RowReading["partner"] = {};
  const problems: Problem[] = [];
  for (const [field, text] of texts) {
    if (text === "") {
      continue;
    }
    if (spreadsheetError.test(text)) {
      problems.push({ field, message: `must be a value, not the spreadsheet's error ${text}` });
    } else if (field === "salesAmount") {
      const amount = readAmount(text, marks);
      if (typeof amount === "number") {
        partner.salesAmount = amount;
      } else {
        problems.push({ field, message: amount });
      }
    } else if (field === "partnerType") {
      const type = readPartnerType(text);
      if (type === undefined) {
        problems.push({ field, message: `must be customer or supplier - got ${text}` });
      } else {
        partner.partnerType = type;
      }
    } else {
      partner[field] = field === "countryCode" ? readCountry(text) : text;
    }
  }
  if (texts.get("state") === "" && !countriesWithStates.has(partner.countryCode ?? "")) {
    partner.state = noState;
  }
  return { partner, problems };
}

/** What is wrong, with the field's name in the contract. */
export function problemText({ field, message }: Problem): string {
  return field === undefined ? message : `${fields[field].name} ${message}`;
}
