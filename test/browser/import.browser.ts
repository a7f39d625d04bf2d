import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeTable, readTable } from "@partner-service/partner-import";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { overhang, violations } from "./accessibility.ts";
import { describeConsole } from "./console-page.ts";

/** 303 rows of an export that nobody has cleaned; the names are made up. */
const dirtyFile = join(import.meta.dirname, "../support/dirty-customers.csv");

describeConsole("the import of the console in a browser", (open) => {
  test("imports a dirty file, and again with one row corrected, without duplicates", async () => {
    const { page } = await open({}, "Import");
    await page.getByLabel("File", { exact: true }).setInputFiles(dirtyFile);
    await page.getByText("dirty-customers.csv has been read.").waitFor();
    expect(await page.getByLabel("What Firma holds").inputValue()).toBe("companyName");
    expect(await page.getByLabel("What Notiz holds").inputValue()).toBe("");

    await page.getByRole("button", { name: "Check 303 rows" }).click();
    await told(page, "303 rows: 42 refused, 258 can be created, 3 the same as another row.");
    const first = rowsOf(page).first();
    expect(await textOf(first)).toMatch(
      /^2 can be created K-00001 \S+ & Co. KG 1 50.731,50 → 50732 Supplier kontakt1@example.com .* Basel → - 4001 ch HRB 10001$/,
    );
    await page.getByLabel(/^refused 42/).check();
    expect(await textOf(rowsOf(page).first())).toMatch(
      /^42 email must have a domain with a dot such as example.com - got kontakt@beispiel K-00041 /,
    );
    expect(await page.locator(".import-table td.wrong").first().innerText()).toBe(
      "kontakt@beispiel",
    );

    await page.getByRole("button", { name: "Create 258 partners" }).click();
    await told(page, "303 rows: 42 refused, 258 created, 3 the same as another row.");
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download the rows that were refused" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe("dirty-customers.failed.csv");
    const refused = readTable(decodeTable(await readFile(await download.path())));
    expect(refused.header.at(-1)).toBe("reason");
    expect(refused.rows).toHaveLength(42);

    const corrected = (await readFile(dirtyFile, "utf8")).replace("ca. 5000", "5.000,50");
    await page.getByLabel("Or paste a table here").fill(corrected);
    await page.getByText("pasted.csv has been read.").waitFor();
    await page.getByRole("button", { name: "Check 303 rows" }).click();
    await told(
      page,
      "303 rows: 41 refused, 1 can be created, 258 already there, 3 the same as another row.",
    );
    await page.getByRole("button", { name: "Create 1 partner", exact: true }).click();
    await told(
      page,
      "303 rows: 41 refused, 1 created, 258 already there, 3 the same as another row.",
    );
    await page.getByRole("link", { name: "Partner book" }).click();
    await page
      .getByRole("heading", { name: /^Partners in the book of Alder Trading\s*259$/ })
      .waitFor();
  });

  test("lets a person say what columns hold, and what all rows have", async () => {
    const { page } = await open({}, "Import");
    await page.getByLabel("Or paste a table here").fill("A\tB\tC\nX\t5\tY\n");
    await page.getByText(/^Not yet: nothing says what company_name, sales_amount, /).waitFor();
    await page.getByLabel("What A holds").selectOption("company_name");
    await page.getByLabel("What B holds").selectOption("sales_amount");
    const all = {
      partner_type: "Kunde",
      email: "office@example.com",
      frequency: "monthly",
      payment_terms: "Net 30",
      address: "Main St 1",
      city: "Bonn",
      postal_code: "53111",
      company_registration_number: "HRB 1",
    };
    for (const [name, value] of Object.entries(all)) {
      await page.getByLabel(name, { exact: true }).fill(value);
    }
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Check 1 row", exact: true }).click();
    await told(page, "1 row: 1 can be created.");
    expect(await textOf(rowsOf(page).first())).toBe("2 can be created X 5");
  });

  test("reads 10,000 rows, shows some at a time, and can be stopped", async () => {
    const { page } = await open({ viewport: { width: 360, height: 780 } }, "Import");
    const [header = "", line = ""] = (await readFile(dirtyFile, "utf8")).split("\r\n");
    const lines = Array.from({ length: 10_000 }, (_, index) =>
      line.replace("K-00001", `N-${index}`),
    );
    const buffer = Buffer.from([header, ...lines].join("\n"));
    const file = { name: "many.csv", mimeType: "text/csv", buffer };
    await page.getByLabel("File", { exact: true }).setInputFiles(file);
    await page.getByRole("button", { name: "Check 10,000 rows" }).click();
    await page.getByText(/^Checked [1-9][\d,]* of 10,000/).waitFor();
    expect(await rowsOf(page).count()).toBe(50);
    await page.getByRole("button", { name: "Next" }).click();
    expect(await textOf(rowsOf(page).first())).toMatch(/^52 can be created N-50 /);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText(/^[1-9][\d,]* rows: [\d,]+ can be created\.$/).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overhang(page)).toBe(0);
  });

  test("says what is wrong with a file, and whose book cannot be imported into", async () => {
    const { page } = await open({}, "Import");
    await page.getByLabel("Or paste a table here").fill('A;B\n"x;y\n');
    await page.getByRole("alert").getByText("A quotation mark in row 2 is not closed").waitFor();
    await page.getByRole("radio", { name: "Invited" }).check();
    await page.getByText(/^Only .* itself may bring partners into its book\.$/).waitFor();
  });
});

const rowsOf = (page: Page) => page.locator(".import-table tbody tr");

async function textOf(locator: ReturnType<typeof rowsOf>): Promise<string> {
  return (await locator.innerText()).replaceAll(/\s+/g, " ").trim();
}

/** Waits for the sum of the rows. */
async function told(page: Page, text: string): Promise<void> {
  await page.getByRole("status").getByText(text, { exact: true }).waitFor();
}
