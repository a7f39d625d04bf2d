import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createConnectTransport } from "@connectrpc/connect-node";
import { importJWK, SignJWT } from "jose";
import type { Browser, Page } from "playwright-core";
import { build, type PreviewServer, preview } from "vite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createPartnerClient, type PartnerClient } from "../../packages/client/src/index.ts";
import { freePort } from "../support/free-port.ts";
import { type ServiceProcess, startProcess } from "../support/process.ts";
import { examplePartner } from "../support/requests.ts";
import { overhang, violations } from "./accessibility.ts";
import { findChromium, launchChromium } from "./chromium.ts";

const executablePath = findChromium();
const skipped = executablePath === undefined ? " – SKIPPED, there is no Chromium" : "";
const root = resolve("examples/web");
/** Who is signed in, as the page's session has it. */
const organization = "7b1c5a0e-2a4f-4c0e-9d3a-5f1b2c3d4e5f";

/** What a person types into the form. */
const typed = {
  "Company name": examplePartner.companyName,
  "Sales amount": "150000",
  "E-mail": examplePartner.email,
  Frequency: examplePartner.frequency,
  "Payment terms": examplePartner.paymentTerms,
  Address: examplePartner.address,
  City: examplePartner.city,
  State: examplePartner.state,
  "Postal code": examplePartner.postalCode,
  "Registration number": examplePartner.companyRegistrationNumber,
};

describe.skipIf(executablePath === undefined)(`the page of examples/web${skipped}`, () => {
  const directory = mkdtempSync(join(tmpdir(), "partner-web-"));
  const data = join(directory, "data");
  let settings: Record<string, string>;
  let service: ServiceProcess;
  let pages: PreviewServer;
  let origin: string;
  let url: string;
  let browser: Browser;
  /** Who else works on the same book. */
  let partners: PartnerClient;
  const opened: Page[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    settings = { PORT: String(await freePort()), DATA_DIR: data, CORS_ORIGINS: origin };
    service = await startService();
    url = `http://127.0.0.1:${settings.PORT}`;
    // Vite gives it to the page, as it does with what a person sets.
    process.env.VITE_PARTNER_URL = url;
    execFileSync("npm", ["run", "prepack", "--silent", "--workspace", "@partner-service/client"]);
    const outDir = join(directory, "dist");
    await build({ root, logLevel: "error", build: { outDir } });
    pages = await preview({
      root,
      build: { outDir },
      preview: { host: "127.0.0.1", port, strictPort: true },
    });
    partners = await clientOf(organization);
    browser = await launchChromium(executablePath ?? "");
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((page) => page.context().close()));
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await pages?.close();
    service?.child.kill("SIGTERM");
    await service?.ended();
    rmSync(directory, { recursive: true });
  });

  /** A caller of that organization, about the book of the page's. */
  async function clientOf(caller: string): Promise<PartnerClient> {
    const printed = startProcess("scripts/token.ts", { DATA_DIR: data }, [
      "--organization",
      caller,
    ]);
    await printed.ended();
    return createPartnerClient({
      transport: createConnectTransport({ baseUrl: url, httpVersion: "1.1" }),
      token: printed.output().trim(),
      organization: caller,
      target: organization,
    });
  }

  async function startService(): Promise<ServiceProcess> {
    const started = startProcess("src/main.ts", settings);
    await started.waitFor(/ready at \S+/);
    return started;
  }

  /** Opens the page in a tab of a person of its own. */
  async function open(prepare: (page: Page) => Promise<void> = async () => {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    opened.push(page);
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      // The browser reports every answer that is an error; those are the tests' business.
      if (message.type() === "error" && !/^Failed to load|CORS policy/.test(message.text())) {
        complaints.push(message.text());
      }
    });
    await prepare(page);
    await page.goto(origin);
    await isRead(page);
    return page;
  }

  /** Waits until the list is read, also one that is empty and so takes no room. */
  async function isRead(page: Page): Promise<void> {
    await page.locator("ul[aria-busy=false]").waitFor({ state: "attached" });
  }

  async function fillNew(page: Page, companyName: string): Promise<void> {
    await page.getByRole("button", { name: "New partner" }).click();
    const form = page.getByRole("form", { name: "New partner" });
    for (const [label, value] of Object.entries({ ...typed, "Company name": companyName })) {
      await form.getByLabel(label, { exact: true }).fill(value);
    }
  }

  const save = (page: Page) => page.getByRole("button", { name: "Save" }).click();
  const isSaved = (page: Page, name: string) => page.getByText(`${name} is saved.`).waitFor();
  const named = async (text: string) =>
    (await partners.listPartners({ filters: { text } })).partners;

  async function edit(page: Page, name: string): Promise<void> {
    await page.getByRole("button", { name: `Edit ${name}` }).click();
    await page.getByRole("form", { name: `Edit ${name}` }).waitFor();
  }

  test("creates a partner, after the service's rules were told beside the fields", async () => {
    const page = await open();
    await fillNew(page, "First Supplies");
    await page.getByLabel("City").fill("");
    await page.getByLabel("Country code").fill("usa");
    await save(page);
    const city = page.locator("[aria-invalid=true]:focus");
    await city.waitFor();
    expect(await city.getAttribute("name")).toBe("city");
    const problems = page.locator("[aria-invalid=true] + span");
    expect(await problems.allInnerTexts()).toEqual([
      "value is required",
      expect.stringContaining("must be a country of ISO 3166-1 as two capital letters"),
    ]);
    await page.getByLabel("City").fill("Łódź");
    await page.getByLabel("Country code").fill("PL");
    await save(page);
    await isSaved(page, "First Supplies");
    await page.getByRole("listitem").filter({ hasText: "First Supplies" }).waitFor();
    expect(await named("First Supplies")).toMatchObject([{ city: "Łódź", countryCode: "PL" }]);
  });

  test("loads the list as it is scrolled, and searches it", async () => {
    const requests = Array.from({ length: 60 }, (_, index) => ({
      ...examplePartner,
      companyName: `Scrolled ${String(index).padStart(2, "0")}`,
    }));
    await partners.batchCreatePartners({ requests });
    const page = await open();
    const search = page.getByRole("searchbox", { name: "Search" });
    await search.fill("scrolled");
    const rows = page.getByRole("listitem");
    await rows.filter({ hasText: "Scrolled 59" }).waitFor();
    expect(await rows.count()).toBeLessThan(60);
    await expect
      .poll(async () => {
        await page.mouse.wheel(0, 10_000);
        return await rows.count();
      })
      .toBe(60);
    await expect.poll(() => page.getByRole("button", { name: "More" }).count()).toBe(0);
    await search.fill("scrolled 07");
    await expect.poll(() => rows.allInnerTexts()).toEqual([expect.stringContaining("Scrolled 07")]);
    await search.fill("nobody is called so");
    await page.getByText("There is no such partner.").waitFor();
  });

  test("lets a person decide when another tab has saved in between", async () => {
    const externalId = "4711";
    await partners.createPartner({ ...examplePartner, companyName: "Conflict Ltd", externalId });
    const [mine, theirs] = [await open(), await open()];
    await edit(mine, "Conflict Ltd");
    await edit(theirs, "Conflict Ltd");
    await theirs.getByLabel("City").fill("Boston");
    await save(theirs);
    await isSaved(theirs, "Conflict Ltd");
    await mine.getByLabel("City").fill("Chicago");
    await mine.getByLabel("Country code").fill("");
    await save(mine);
    const alert = mine.getByRole("alert");
    await alert.getByText("Somebody else has saved this partner in between.").waitFor();
    expect(await alert.getByRole("row").allInnerTexts()).toEqual([
      "Field\tYours\tTheirs",
      "City\tChicago\tBoston",
      "Country code (optional)\t\tUS",
    ]);
    await mine.getByRole("button", { name: "Go on with mine" }).click();
    await save(mine);
    await isSaved(mine, "Conflict Ltd");
    const [partner] = await named("Conflict Ltd");
    expect(partner).toMatchObject({ city: "Chicago", externalId });
    expect(partner?.countryCode).toBeUndefined();

    await edit(theirs, "Conflict Ltd");
    const changed = { id: partner?.id ?? "", city: "Denver" };
    await partners.updatePartner({ partner: changed });
    await theirs.getByLabel("City").fill("Boston");
    await save(theirs);
    await theirs.getByRole("button", { name: "Take theirs" }).click();
    await expect.poll(() => theirs.getByLabel("City").inputValue()).toBe("Denver");
  });

  test("makes one partner when Save is pressed again after answers were lost", async () => {
    const page = await open();
    await fillNew(page, "Lost Answers");
    let lost = 0;
    await page.route("**/CreatePartner", async (route) => {
      if (route.request().method() === "POST") {
        await route.fetch();
        lost += 1;
        await route.abort("connectionreset");
      } else {
        await route.continue();
      }
    });
    await save(page);
    await page.getByText("Whether it is saved is not known. Save again").waitFor();
    await page.unroute("**/CreatePartner");
    await save(page);
    await isSaved(page, "Lost Answers");
    expect(lost).toBeGreaterThan(1);
    expect(await named("Lost Answers")).toHaveLength(1);
  });

  test("saves an edit once when its answer was lost, and takes it for no conflict", async () => {
    await partners.createPartner({ ...examplePartner, companyName: "Lost Edit" });
    const page = await open();
    await edit(page, "Lost Edit");
    await page.getByLabel("City").fill("Boston");
    await page.route("**/UpdatePartner", async (route) => {
      if (route.request().method() === "POST") {
        await route.fetch();
        await route.abort("connectionreset");
      } else {
        await route.continue();
      }
    });
    await save(page);
    await page.getByText("Whether it is saved is not known. Save again").waitFor();
    await page.unroute("**/UpdatePartner");
    await save(page);
    await isSaved(page, "Lost Edit");
    expect(await named("Lost Edit")).toMatchObject([{ city: "Boston" }]);
  });

  test("gets a new token when the one that it has has expired", async () => {
    const key = await importJWK(
      JSON.parse(readFileSync(join(data, "sandbox-key.json"), "utf8")),
      "ES256",
    );
    const expired = await new SignJWT({ org_id: organization, scope: "partners:read" })
      .setProtectedHeader({ alg: "ES256", typ: "at+jwt" })
      .setIssuer("partner-service-sandbox")
      .setAudience("partner-service")
      .setSubject("sandbox")
      .setIssuedAt(1)
      .setExpirationTime(2)
      .sign(key);
    let given = 0;
    const page = await open(async (page) => {
      await page.route("**/sandbox/token", async (route) => {
        given += 1;
        await (given === 1 ? route.fulfill({ json: { token: expired } }) : route.continue());
      });
    });
    await fillNew(page, "Expired Token");
    await save(page);
    await isSaved(page, "Expired Token");
    expect(given).toBe(2);
  });

  test("saves what was typed while the service was restarted", async () => {
    const page = await open();
    await fillNew(page, "Restarted");
    service.child.kill("SIGTERM");
    await service.ended();
    await save(page);
    await page.getByRole("button", { name: "Saving…" }).waitFor();
    service = await startService();
    const saved = page.getByText("Restarted is saved.");
    const button = page.getByRole("button", { name: "Save" });
    // A start may take longer than a person is let wait.
    await saved.or(button).waitFor();
    if (!(await saved.isVisible())) {
      await button.click();
      await saved.waitFor();
    }
    expect(await named("Restarted")).toHaveLength(1);
  });

  test("says that it is offline, and saves once it is back", async () => {
    const page = await open();
    await fillNew(page, "Offline");
    await page.context().setOffline(true);
    await save(page);
    await page.getByText("You are offline. It is saved once you are back.").waitFor();
    await page.context().setOffline(false);
    await isSaved(page, "Offline");
    expect(await named("Offline")).toHaveLength(1);
  });

  test("makes an invitation", async () => {
    await partners.createPartner({ ...examplePartner, companyName: "Invited Ltd" });
    const page = await open();
    await page.getByRole("button", { name: "Invite Invited Ltd" }).click();
    await page.getByRole("button", { name: "Make an invitation" }).click();
    const invitationToken = await page.locator("output").innerText();
    const guest = await clientOf(randomUUID());
    expect(await guest.getInvitation({ invitationToken })).toMatchObject({
      hostOrganizationId: organization,
    });
  });

  test.each(["light", "dark"] as const)(
    "is for everybody, in %s, at 360 and at 1280 pixels",
    async (colorScheme) => {
      const page = await open((page) => page.emulateMedia({ colorScheme }));
      await fillNew(page, "");
      await save(page);
      await page.locator("[aria-invalid=true]").first().waitFor();
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await violations(page)).toEqual([]);
        expect(await overhang(page)).toBe(0);
      }
    },
  );
});
