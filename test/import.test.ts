import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeTable, readTable } from "@partner-service/partner-import";
import { afterAll, beforeAll, expect, test } from "vitest";
import { acme } from "./support/organizations.ts";
import { startCommand } from "./support/process.ts";
import { startTestService, type TestService } from "./support/service.ts";

/** An export that nobody has cleaned; the names are made up. The suite in a browser imports all of it. */
const dirtyFile = join(import.meta.dirname, "support/dirty-customers.csv");

let service: TestService;
let directory: string;

beforeAll(async () => {
  service = await startTestService("postgresql");
  directory = await mkdtemp(join(tmpdir(), "partner-import-"));
});
afterAll(async () => {
  await service?.close();
  await rm(directory, { recursive: true });
});

/** Runs the command as a script does. */
async function importFile(file: string, ...options: readonly string[]) {
  const script = ["--import", "./src/preload.js", "scripts/import.ts"];
  const command = startCommand(
    process.execPath,
    [...script, file, "--organization", acme, ...options],
    { PARTNER_URL: service.url, PARTNER_TOKEN: await service.issuer.token() },
  );
  const exitCode = await command.ended();
  return { exitCode, output: command.output() };
}

test("what is refused of a dirty file comes back as a file with the reasons", async () => {
  const file = join(directory, "customers.csv");
  const lines = (await readFile(dirtyFile, "utf8")).split("\r\n");
  const text = lines.slice(0, 80).join("\r\n");
  await writeFile(file, text);
  const first = await importFile(file);
  expect(first.output).toContain("79 rows: 72 created, 7 refused.");
  expect(first.exitCode).toBe(1);
  expect(await service.countPartners()).toBe(72);

  const failed = readTable(decodeTable(await readFile(join(directory, "customers.failed.csv"))));
  expect(failed.header).toEqual([...readTable(text).header, "reason"]);
  expect(failed.rows).toHaveLength(7);
  const reasons = failed.rows.map(({ cells }) => [cells[0], cells.at(-1)]);
  expect(reasons.slice(0, 3)).toEqual([
    ["K-00041", "email must have a domain with a dot such as example.com - got kontakt@beispiel"],
    ["K-00043", "sales_amount must be a number such as 150000 - got ca. 5000"],
    [
      "K-00047",
      "country_code must be a country of ISO 3166-1 as two capital letters such as DE - got Schlaraffenland",
    ],
  ]);
});

test("a script learns by the exit code that it stopped, or cannot begin", async () => {
  const file = join(directory, "short.csv");
  await writeFile(file, "Firma;Umsatz\nX;1\n");
  const unusable = importFile(file, "--map", "company_name=Firma");
  const rest = ["partner_type=K", "email=a@example.com", "frequency=monthly", "payment_terms=-"];
  const more = ["address=-", "city=Bonn", "postal_code=-", "company_registration_number=-"];
  const defaults = [...rest, ...more].flatMap((value) => ["--default", value]);
  const tokenFile = join(directory, "token");
  await writeFile(tokenFile, "expired\n");
  const stopped = importFile(file, ...defaults, "--token-file", tokenFile);
  expect(await unusable).toEqual({
    exitCode: 2,
    output:
      "  Firma → company_name\n  Umsatz → sales_amount\n" +
      "No column holds partner_type, email, frequency, payment_terms, address, city, postal_code, " +
      "company_registration_number: say --map or --default.\n",
  });
  expect(await stopped).toEqual({
    exitCode: 3,
    output: expect.stringContaining("Stopped after 0 of 1 rows."),
  });
});
