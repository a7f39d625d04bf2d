import { describe, expect, test } from "vitest";
import { PartnerType } from "../../client/src/index.ts";
import { marksOf, readAmount } from "../src/amounts.ts";
import { guessColumns, missingFields } from "../src/columns.ts";
import { readCountry } from "../src/countries.ts";
import { readPartnerType } from "../src/partner-types.ts";
import { createRowReader, problemText } from "../src/rows.ts";
import { readTable } from "../src/table.ts";

const notANumber = "must be a number such as 150000";
const unclear =
  "must be without a mark between thousands, since the column has numbers of both kinds";

describe("an amount", () => {
  test.each([
    ["150000", 150_000],
    ["1.234,50", 1235],
    ["1,234.50", 1235],
    ["1.234,49", 1234],
    ["1 234,50 €", 1235],
    ["1\u00a0234,50", 1235],
    ["1'234.50 CHF", 1235],
    ["1’234", 1234],
    ["$1,234", 1234],
    ["EUR 1.234.567", 1_234_567],
    ["Fr. 12.40", 12],
    ["12,34,567.5", 1_234_568],
    ["1.234", 1234],
    ["1,234", 1234],
    ["0.500", 1],
    ["1234.567", 1235],
    ["1.5E+06", 1_500_000],
    ["1,5e3", 1500],
    ["0", 0],
    ["-0,00", 0],
    ["2147483647.4", 2_147_483_647],
    ["3.000.000.000,00", 2_147_483_647],
    ["-1", "must not be less than 0 - got -1"],
    ["1.234,50-", "must not be less than 0 - got 1.234,50-"],
    ["(1,234)", "must not be less than 0 - got (1,234)"],
    ["2 Mio", `${notANumber} - got 2 Mio`],
    ["150k", `${notANumber} - got 150k`],
    ["ca. 5000", `${notANumber} - got ca. 5000`],
    ["1.2.3", `${notANumber} - got 1.2.3`],
    ["1,2,3.4.5", `${notANumber} - got 1,2,3.4.5`],
    ["€", `${notANumber} - got €`],
    ["12 %", `${notANumber} - got 12 %`],
  ])("of %s is %s", (cell, amount) => {
    expect(readAmount(cell, marksOf([cell]))).toBe(amount);
  });

  test.each([
    [["1.234", "1.234,5"], 1234],
    [["1.234", "17.5"], 1],
    [["1,234", "1.234.567"], 1],
    [["1.234", "ca. 5"], 1234],
    [["1.234", "17.5", "17,5"], `${unclear} - got 1.234`],
  ])("is read as the other numbers of its column are: %j", (column, amount) => {
    expect(readAmount(column[0] ?? "", marksOf(column))).toBe(amount);
  });
});

test.each([
  ...["DE", "de", "DEU", "Germany", "germany ", "Deutschland", "Allemagne", "D"].map((cell) => [
    cell,
    "DE",
  ]),
  ...["USA", "U.S.A.", "United States", "United States of America"].map((cell) => [cell, "US"]),
  ...["Österreich", "Autriche"].map((cell) => [cell, "AT"]),
  ...["UK", "Great Britain"].map((cell) => [cell, "GB"]),
  ["Türkiye", "TR"],
  ["Turkey", "TR"],
  ["Schlaraffenland", "Schlaraffenland"],
  ["XX", "XX"],
])("the country %s is %s", (cell, code) => {
  expect(readCountry(cell)).toBe(code);
});

test.each([
  ...["Customer", "customers", "KUNDE", "Kunden", "Debitor", "Client", "PARTNER_TYPE_CUSTOMER"].map(
    (cell) => [cell, PartnerType.CUSTOMER] as const,
  ),
  ...["Supplier", "Vendor", "Lieferanten", "Fournisseur", "Kreditor"].map(
    (cell) => [cell, PartnerType.SUPPLIER] as const,
  ),
  ...["Interessent", "0", "PARTNER_TYPE_UNSPECIFIED"].map((cell) => [cell, undefined] as const),
])("the type %s is %s", (cell, type) => {
  expect(readPartnerType(cell)).toBe(type);
});

test("columns are guessed by their headings in several languages, else by what they hold", () => {
  const guess = (text: string) => guessColumns(readTable(text));
  expect(
    guess(
      "Kundennr.;Firma;Jahresumsatz;Art;E-Mail;Turnus;Zahlungsbedingungen;Straße;Ort;Bundesland;PLZ;Land;HRB;Notiz\n",
    ),
  ).toEqual([
    ...["externalId", "companyName", "salesAmount", "partnerType", "email", "frequency"],
    ...["paymentTerms", "address", "city", "state", "postalCode", "countryCode"],
    ...["companyRegistrationNumber", undefined],
  ]);
  expect(
    guess("Customer No,Customer Name,Annual Revenue (EUR),Zip,Town,Province,Country,VAT ID\n"),
  ).toEqual([
    ...["externalId", "companyName", "salesAmount", "postalCode", "city", "state", "countryCode"],
    "companyRegistrationNumber",
  ]);
  expect(guess("company_name\tsalesAmount\tCompany\n")).toEqual([
    ...["companyName", "salesAmount", undefined],
  ]);
  expect(guess("A,B,C\nx@example.com,Vendor,x\ny@example.com,Customer,Spain\n")).toEqual([
    ...["email", "partnerType", undefined],
  ]);
});

test("what no column holds is told, but for a state and what may be absent", () => {
  expect(
    missingFields(["companyName", "salesAmount", undefined, "email"], { city: "Bonn" }),
  ).toEqual([
    ...["partnerType", "frequency", "paymentTerms", "address", "postalCode"],
    "companyRegistrationNumber",
  ]);
});

describe("a row", () => {
  const header = "Name,Street,Number,State,Country,Sales,Type,Zip";
  const columns = [
    ...(["companyName", "address", "address", "state", "countryCode", "salesAmount"] as const),
    ...(["partnerType", "postalCode"] as const),
  ];
  function read(line: string, defaults = {}) {
    const table = readTable(`${header}\n${line}\n`);
    const [row] = table.rows;
    if (row === undefined) {
      throw new Error("There is no row.");
    }
    const { partner, problems } = createRowReader(table, columns, defaults)(row);
    return { ...partner, problems: problems.map(problemText) };
  }

  test.each([
    [
      ' \u00a0Łódź & Söhne\u200b ,Main St,12,,Poland,5,vendor,="00501"',
      {
        ...{ companyName: "Łódź & Söhne", address: "Main St 12", state: "-", countryCode: "PL" },
        ...{ salesAmount: 5, partnerType: PartnerType.SUPPLIER, postalCode: "00501", problems: [] },
      },
    ],
    [
      "X,,,New York,USA,,,",
      { companyName: "X", state: "New York", countryCode: "US", problems: [] },
    ],
    ["X,,,,USA,,,", { companyName: "X", countryCode: "US", problems: [] }],
    [
      "#N/A,,,NY,Atlantis,lots,friend,1,2",
      {
        ...{ state: "NY", countryCode: "Atlantis", postalCode: "1" },
        problems: [
          "it has 9 cells, and the header 8",
          "company_name must be a value, not the spreadsheet's error #N/A",
          "sales_amount must be a number such as 150000 - got lots",
          "partner_type must be customer or supplier - got friend",
        ],
      },
    ],
  ])("%s becomes a partner", (line, partner) => {
    expect(read(line)).toEqual(partner);
  });

  test("has the values for all rows where it has none of its own", () => {
    const defaults = { companyName: "Y", frequency: "monthly", partnerType: "Kunde", state: "BY" };
    expect(read("X,,,,,,,", defaults)).toEqual({
      ...{ companyName: "X", frequency: "monthly", partnerType: PartnerType.CUSTOMER, state: "BY" },
      problems: [],
    });
  });
});
