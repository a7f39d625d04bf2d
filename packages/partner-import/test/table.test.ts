import { expect, test } from "vitest";
import { decodeTable, readTable, writeRows } from "../src/table.ts";

const rows = (text: string) => readTable(text).rows.map(({ cells }) => cells);

test.each([
  ["commas", 'Name,City\n"Müller, Söhne",Köln\n'],
  ["semicolons, and a decimal comma", "Name;City\nMüller, Söhne;Köln\n"],
  ["tabs, as a spreadsheet copies", "Name\tCity\r\nMüller, Söhne\tKöln"],
  ["bars", "Name|City\nMüller, Söhne|Köln\n"],
  ["the line in which Excel names it", "sep=;\r\nName;City\r\nMüller, Söhne;Köln\r\n"],
])("a table has its cells between %s", (_name, text) => {
  const { header } = readTable(text);
  expect({ header, rows: rows(text) }).toEqual({
    header: ["Name", "City"],
    rows: [["Müller, Söhne", "Köln"]],
  });
});

test("a cell in quotes holds line breaks, quotes and separators; short rows are filled, empty ones left out", () => {
  const text = '\n Name ;City\n"a\nb";"say ""hi""; you"\n;\n\nc\n';
  expect(readTable(text)).toEqual({
    header: ["Name", "City"],
    delimiter: ";",
    rows: [
      { number: 3, cells: ["a\nb", 'say "hi"; you'] },
      { number: 6, cells: ["c", ""] },
    ],
  });
});

test.each([
  ["", "The table is empty."],
  [" \n;;\n", "The table is empty."],
  [
    'Name,City\nx,y\n"a,b\nc,d\n',
    "A quotation mark in row 3 is not closed, or not doubled within a cell.",
  ],
  ['A,B\n1,2\n"x"y,2\n', "A quotation mark in row 3 is not closed, or not doubled within a cell."],
])("%j is refused", (text, message) => {
  expect(() => readTable(text)).toThrow(message);
});

test("a row with more cells than the header says so", () => {
  expect(readTable("A,B\n1,2,3\n1,2,\n").rows.map(({ fault }) => fault)).toEqual([
    "it has 3 cells, and the header 2",
    undefined,
  ]);
});

test.each([
  ["UTF-8", Buffer.from("Köln €")],
  ["UTF-8 with a mark", Buffer.from("\uFEFFKöln €")],
  ["UTF-16, as Excel's Unicode text", Buffer.from("\uFEFFKöln €", "utf16le")],
  ["UTF-16, the other way round", Buffer.from("\uFEFFKöln €", "utf16le").swap16()],
  ["Windows-1252", Buffer.from([0x4b, 0xf6, 0x6c, 0x6e, 0x20, 0x80])],
])("a file in %s is read", (_name, bytes) => {
  expect(decodeTable(bytes)).toBe("Köln €");
});

test("rows that are written are read again, with the reason of the last time alone", () => {
  const table = readTable('Name;Note\n"a;b";"x\ny"\nc;d\n');
  const [first] = table.rows;
  const write = (from: typeof table, row: typeof first, reason: string) =>
    writeRows(from, row === undefined ? [] : [{ row, reason }]);
  const once = write(table, first, 'city "?" is missing; or not');
  expect(once).toBe('\uFEFFName;Note;reason\r\n"a;b";"x\ny";"city ""?"" is missing; or not"\r\n');
  const again = readTable(decodeTable(Buffer.from(once)));
  expect(decodeTable(Buffer.from(write(again, again.rows[0], "still")))).toBe(
    'Name;Note;reason\r\n"a;b";"x\ny";still\r\n',
  );
});
