/** What stands before the fraction of a number. */
export type DecimalMark = "," | ".";

/** The greatest amount that a partner can have; of a greater one the contract wants this. */
const greatestAmount = 2_147_483_647;

/** Currencies as they stand beside amounts. Other letters stay: `2 Mio` is not 2. */
const currencies: ReadonlySet<string> = new Set([
  ...Intl.supportedValuesOf("currency"),
  ...["FR", "FR.", "SFR", "SFR.", "KR", "KR.", "KČ", "ZŁ", "US"],
]);

/** A number's sign, digits and marks, without currency, blanks and apostrophes. */
function bare(cell: string): { readonly isNegative: boolean; readonly text: string } {
  const text = cell
    .replaceAll(/[\s\u200b'’_]|\p{Sc}/gu, "")
    .replaceAll(/^\p{L}+\.?|\p{L}+\.?$/gu, (word) =>
      currencies.has(word.toUpperCase()) ? "" : word,
    );
  // Ledgers put a loss in brackets, or the sign behind.
  const isNegative = /^-|-$|^\(.*\)$/.test(text);
  return { isNegative, text: text.replaceAll(/^[-+(]|[-)]$/g, "") };
}

/** Which mark is before the fraction, as far as the number itself tells. */
function markOf(text: string): DecimalMark | "none" | "unclear" | undefined {
  const [last] = text.match(/[.,](?=[^.,]*$)/) ?? [];
  if (last === undefined) {
    return "none";
  }
  const mark = last === "," ? "," : ".";
  const other = mark === "," ? "." : ",";
  const [whole = "", ...parts] = text.split(mark);
  if (text.includes(other)) {
    return parts.length === 1 ? mark : undefined;
  }
  if (parts.length > 1) {
    return other;
  }
  const looksGrouped = parts[0]?.length === 3 && /^[1-9]\d{0,2}$/.test(whole);
  return looksGrouped ? "unclear" : mark;
}

/** The marks that the numbers of a column show: one, where they are of one country. */
export function marksOf(cells: Iterable<string>): ReadonlySet<DecimalMark> {
  const marks = new Set<DecimalMark>();
  for (const cell of cells) {
    const { text } = bare(cell);
    const mark = /^[\d.,]+$/.test(text) ? markOf(text) : undefined;
    if (mark === "," || mark === ".") {
      marks.add(mark);
    }
  }
  return marks;
}

/**
 * Reads an amount as people and spreadsheets write it, in whole units, half a unit rounded up.
 *
 * @param marks those of the other numbers of the column, which decide what `1.234` is. Where none shows
 * one, it is 1234: money has no three decimals.
 * @returns what is wrong, for a person, where it is no amount
 */
export function readAmount(cell: string, marks: ReadonlySet<DecimalMark>): number | string {
  const { isNegative, text } = bare(cell);
  const value = /^\d+(?:[.,]\d+)?e[+-]?\d+$/i.test(text)
    ? Number(text.replace(",", "."))
    : readDigits(text, marks);
  if (typeof value === "string") {
    return `${value} - got ${cell}`;
  }
  if (isNegative && value > 0) {
    return `must not be less than 0 - got ${cell}`;
  }
  return Math.min(Math.floor(value + 0.5), greatestAmount);
}

function readDigits(text: string, marks: ReadonlySet<DecimalMark>): number | string {
  const own = markOf(text);
  if (own === "unclear" && marks.size > 1) {
    return "must be without a mark between thousands, since the column has numbers of both kinds";
  }
  const [columnMark] = marks;
  const unclearMark = columnMark ?? (text.includes(".") ? "," : ".");
  const mark = own === "unclear" ? unclearMark : own;
  const separator = mark === "," ? "." : ",";
  const [whole = "", fraction = ""] = mark === undefined ? [] : text.split(mark);
  const groups = whole.split(separator);
  const isGrouped = groups.every((group, index) =>
    index === 0 ? /^\d+$/.test(group) : /^\d{2,3}$/.test(group),
  );
  return isGrouped && /^\d*$/.test(fraction)
    ? Number(`${groups.join("")}.${fraction}0`)
    : "must be a number such as 150000";
}
