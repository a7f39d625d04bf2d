/**
 * Brings the rows of a table into a partner book, for Node and browsers.
 *
 * @module
 */
export { type Columns, guessColumns, missingFields } from "./columns.ts";
export { type Field, type FieldName, fieldNamed, fieldNames, fields } from "./fields.ts";
export {
  type CheckedRow,
  checkRows,
  createRows,
  type Fate,
  fateText,
  type ImportSettings,
  isFailed,
} from "./import.ts";
export { type Problem, problemText } from "./rows.ts";
export {
  decodeTable,
  greatestTableBytes,
  readTable,
  type Table,
  TableError,
  type TableRow,
  writeRows,
} from "./table.ts";
