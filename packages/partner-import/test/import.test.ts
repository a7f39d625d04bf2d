import { readFileSync } from "node:fs";
import { createConnectTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestService, type TestService } from "../../../test/support/service.ts";
import { createPartnerClient } from "../../client/src/index.ts";
import {
  type CheckedRow,
  checkRows,
  createRows,
  fateText,
  guessColumns,
  readTable,
} from "../src/index.ts";

let service: TestService;

beforeAll(async () => {
  service = await startTestService("postgresql");
});
afterAll(async () => {
  await service?.close();
});

/** An export that nobody has cleaned, of which a part is enough here. */
const dirtyTable = readFileSync("test/support/dirty-customers.csv", "utf8")
  .split("\r\n")
  .slice(0, 110)
  .join("\n");

const header =
  "external_id,company_name,sales_amount,partner_type,email,frequency,payment_terms,address,city,postal_code,company_registration_number";
const line = (id: string, name: string) =>
  `${id},${name},1,K,a@example.com,monthly,Net 30,Main St 1,Bonn,53111,HRB 1`;

/** Imports a table into a book; tells each row's fate, before and after. */
async function importTable(organization: string, text: string) {
  const token = await service.issuer.token({ org_id: organization });
  const transport = createConnectTransport({ baseUrl: service.url });
  const partners = createPartnerClient({ transport, token, organization });
  const table = readTable(text);
  const settings = { columns: guessColumns(table), defaults: {} };
  const checked = await all(checkRows(partners, table, settings));
  const created = await all(createRows(partners, checked));
  return { partners, checked: fates(checked), created: fates(created) };
}

const importLines = (organization: string, lines: readonly string[]) =>
  importTable(organization, [header, ...lines].join("\n"));

async function all(stage: AsyncIterable<readonly CheckedRow[]>): Promise<readonly CheckedRow[]> {
  return (await Array.fromAsync(stage)).flat();
}

const fates = (rows: readonly CheckedRow[]) =>
  rows.map(({ row, fate }) => `${row.number} ${fateText(fate)}`);

test("a row is told from others that are the same, have its external id, or were there before", async () => {
  const organization = crypto.randomUUID();
  const first = await importLines(organization, [
    ...[line("1", "One"), line("2", "Two"), line("1", "One"), line("2", "Other"), line("", "None")],
    line("", "None, really").replaceAll(", ", " "),
  ]);
  expect(first).toMatchObject({
    checked: [
      ...["2 can be created", "3 can be created", "4 the same as row 2"],
      ...["5 external_id is that of row 3", "6 can be created", "7 can be created"],
    ],
    created: ["2 created", "3 created", "6 created", "7 created"],
  });
  const { partners } = await first.partners.listPartners({});
  const [one, two] = partners;
  await first.partners.updatePartner({ partner: { id: one?.id ?? "", city: "Köln" } });
  await first.partners.deletePartner({ id: partners[2]?.id ?? "" });
  const again = [line("1", "One"), line("2", "Two changed"), line("", "None"), line("3", "Three")];
  expect(await importLines(organization, again)).toMatchObject({
    checked: [
      "2 already there",
      `3 external_id is that of the partner ${two?.id} already`,
      "4 it was imported before, and its partner has been deleted since",
      "5 can be created",
    ],
    created: ["5 created"],
  });
});

test("a dirty table is imported, and again with one row corrected, without duplicates", async () => {
  const organization = crypto.randomUUID();
  const first = await importTable(organization, dirtyTable);
  const again = await importTable(organization, dirtyTable.replace("ca. 5000", "5.000,50"));
  const { totalSize } = await again.partners.listPartners({ includeTotalSize: true });
  expect([first.created.length, again.created, totalSize]).toEqual([
    ...[first.created.length, ["44 created"]],
    first.created.length + 1,
  ]);
  const wasCreated = (text: string) => text.replace("can be created", "already there");
  expect(again.checked).toEqual(
    first.checked.map((text) => (text.startsWith("44 ") ? "44 can be created" : wasCreated(text))),
  );
});

test("rows that are too long for one call are sent in several", async () => {
  const lines = [line("1", "good"), line("2", "x".repeat(2_100_000)), line("3", "good")];
  expect(await importLines(crypto.randomUUID(), lines)).toMatchObject({
    checked: ["2 can be created", "3 it is longer than the service takes", "4 can be created"],
    created: ["2 created", "4 created"],
  });
});
