import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ServiceProcess, startProcess } from "../support/process.ts";
import { overhang, violations } from "./accessibility.ts";
import { findChromium, launchChromium } from "./chromium.ts";
import { type ConsolePage, openConsole } from "./console-page.ts";

const executablePath = findChromium();
const skipped = executablePath === undefined ? " – SKIPPED, there is no Chromium" : "";
const screenshot = join(import.meta.dirname, "console.png");

describe.skipIf(executablePath === undefined)(`the console in a browser${skipped}`, () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), "partner-browser-"));
  let service: ServiceProcess;
  let url: string;
  let browser: Browser;
  const opened: ConsolePage[] = [];

  beforeAll(async () => {
    service = startProcess("src/main.ts", { PORT: "0", DATA_DIR: dataDirectory });
    [, url = ""] = await service.waitFor(/ready at (\S+)/);
    browser = await launchChromium(executablePath ?? "");
  });
  afterEach(async () => {
    for (const { page, complaints, close } of opened.splice(0)) {
      expect({ at: page.url(), complaints }).toEqual({ at: page.url(), complaints: [] });
      await close();
    }
  });
  afterAll(async () => {
    await browser?.close();
    service.child.kill("SIGTERM");
    await service.ended();
    rmSync(dataDirectory, { recursive: true });
  });

  async function open(options: BrowserContextOptions = {}): Promise<ConsolePage> {
    const console = await openConsole(browser, url, options);
    opened.push(console);
    return console;
  }

  test("creates a partner from the contract's examples, and shows it in the book", async () => {
    const { page, send, outcome } = await open();
    await page.getByLabel("Company name").fill("Łódź & Söhne <b>");
    await send();
    expect(await outcome()).toMatch(/^200 OK , CreatePartner, in [\d.]+ ms$/);
    const book = page.getByRole("region", { name: /^Partners in the book of Alder Trading/ });
    const row = book.getByRole("row", { name: /Łódź & Söhne <b>/ });
    await row.waitFor();
    expect(await row.innerText()).toMatch(/customer\s+150,000\s+invited/);
    const headers = page.locator(".headers");
    expect(await headers.innerText()).toContain("application/json");
  });

  test("shows in its book what another window changes, as it changes", async () => {
    const [watching, writing] = [await open(), await open()];
    const book = watching.page.getByRole("region", { name: /^Partners in the book of Alder/ });
    await book.getByRole("heading").waitFor();
    await writing.page.getByLabel("Company name").fill("From another window");
    await writing.send();
    await book.getByRole("row", { name: /From another window/ }).waitFor();
    await book.getByRole("status").getByText("From another window has changed.").waitFor();
  });

  test("stops a form that breaks a rule, says why beside the field, and moves the focus there", async () => {
    const { page, send, outcome } = await open();
    await page.getByLabel("City").fill("");
    await page.getByLabel("Country code").fill("usa");
    await page.getByRole("button", { name: "Send", exact: true }).click();

    await page.locator('[id="field-city"][aria-invalid=true]:focus').waitFor();
    expect(await describedBy(page.getByLabel("City"))).toBe(
      "city · 1–100 characters · no U+0000 0 / 100 value is required required",
    );
    await page.getByText("2 fields break a rule. Nothing was sent.").waitFor();
    expect(await page.locator(".outcome").count()).toBe(0);

    await page.getByRole("button", { name: "Send anyway" }).click();
    await page.locator(".outcome").waitFor();
    expect(await outcome()).toMatch(/^400 INVALID_ARGUMENT FIELD_INVALID/);

    await page.getByLabel("City").fill("Oslo");
    await page.getByLabel("Country code").fill("NO");
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
  });

  test("shows a problem that only the service can know", async () => {
    const { page, send, outcome } = await open();
    await page.getByRole("link", { name: "ListPartners" }).click();
    await page.getByLabel("Page token").fill("not a token");
    await send();
    expect(await outcome()).toMatch(/^400 INVALID_ARGUMENT FIELD_INVALID/);
    await page.locator('[id="field-page_token"][aria-invalid=true]:focus').waitFor();
    await page.getByText(/^The service: /).waitFor();
  });

  test("connects two organizations, of which the host reads and the guest may not", async () => {
    const { page, send, outcome } = await open();
    await page.getByLabel("Host").check();
    await page.getByRole("button", { name: /^Connect them/ }).click();
    await page.getByText("Connected: Birch Supply is a guest of Alder Trading.").waitFor();
    await page.getByRole("link", { name: "ListPartners" }).click();
    await send();
    expect(await outcome()).toMatch(/^200 OK/);

    await page.getByLabel("Organization").selectOption("Birch Supply");
    await page.getByLabel("Guest").check();
    await page.getByText("Connected: Birch Supply is a guest of Alder Trading.").waitFor();
    await page.getByText("As Guest, the service refuses this call.").waitFor();
    await page.getByRole("link", { name: /^CreatePartner/ }).click();
    await send();
    expect(await outcome()).toMatch(/^403 PERMISSION_DENIED SCENARIO_NOT_ALLOWED/);
    await page.getByText(/^The book stays closed: /).waitFor();
  });

  test("takes a partner from the book into the other forms, until it is deleted", async () => {
    const { page, send, outcome } = await open();
    await page.getByLabel("Organization").selectOption("Dogwood Tools");
    await page.getByText("The book is empty.").waitFor();
    await send();
    await page.getByRole("button", { name: /^Use Example Supplies Ltd/ }).click();
    await page.getByRole("heading", { name: "UpdatePartner" }).waitFor();
    await page.getByLabel("City").fill("Boston");
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
    expect(await page.locator(".answer pre").innerText()).toContain('"city": "Boston"');

    await page.getByRole("button", { name: /^Use Example Supplies Ltd/ }).click();
    await page.getByRole("link", { name: "InvitePartner" }).click();
    await send();
    await page.getByRole("link", { name: "AcceptInvitation" }).click();
    expect(await page.getByLabel("Invitation token").inputValue()).toMatch(/^\S{20,}$/);

    await page.getByRole("link", { name: "DeletePartner" }).click();
    await page.getByRole("button", { name: /^Use Example Supplies Ltd/ }).click();
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
    await page.getByText("The book is empty.").waitFor();
  });

  test("sends a list of messages as JSON, and says where it is wrong", async () => {
    const { page, send, outcome } = await open();
    await page.getByRole("link", { name: "BatchCreatePartners" }).click();
    await send();
    expect(await outcome()).toMatch(/^200 OK/);
    const requests = page.getByLabel("Requests");
    await requests.fill((await requests.inputValue()).replace('"New York"', '""'));
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByText("requests[0].city").waitFor();
  });

  test("has the contract's access table", async () => {
    const { page } = await open();
    const rows = await page.getByRole("region", { name: "Access table" }).getByRole("row").all();
    const texts = await Promise.all(rows.map((row) => row.locator("th, td").allInnerTexts()));
    expect(texts.map((cells) => cells.map((cell) => cell.replace(/^.\n/, "")).join(" | "))).toEqual(
      [
        "RPC | Self | Host | Guest | Stranger | Scope",
        "CreatePartner | allowed | refused | refused | refused | partners:write",
        "BatchCreatePartners | allowed | refused | refused | refused | partners:write",
        "GetPartner | allowed | allowed | refused | refused | partners:read",
        "ListPartners | allowed | allowed | refused | refused | partners:read",
        "ListPartnerChanges | allowed | allowed | refused | refused | partners:read",
        "UpdatePartner | allowed | refused | refused | refused | partners:write",
        "DeletePartner | allowed | refused | refused | refused | partners:write",
        "InvitePartner | allowed | refused | refused | refused | partners:write",
        "RevokeInvitation | allowed | refused | refused | refused | partners:write",
        "GetInvitation | refused | with an invitation | with an invitation | with an invitation | partners:read",
        "AcceptInvitation | refused | with an invitation | with an invitation | with an invitation | partners:write",
        "ListConnections | allowed | refused | refused | refused | partners:read",
        "EndConnection | allowed | refused | refused | refused | partners:write",
      ],
    );
  });

  test("writes the call as curl and as TypeScript", async () => {
    const { page } = await open();
    const code = page.getByRole("tabpanel");
    expect(await code.innerText()).toContain("-H 'Requester-Organization-ID: a1de0000-");
    await page.getByRole("tab", { name: "curl" }).press("ArrowRight");
    await page
      .getByRole("tab", { name: "TypeScript", selected: true })
      .and(page.locator(":focus"))
      .waitFor();
    expect(await code.innerText()).toContain("await partners.createPartner(");
  });

  test("works with the keyboard alone", async () => {
    const { page } = await open();
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").innerText()).toBe("Skip to the request");
    await page.keyboard.press("Enter");
    for (let presses = 0; presses < 3; presses += 1) {
      await page.keyboard.press("Tab");
    }
    await page.locator('[id="field-company_name"]:focus').waitFor();
    await page.keyboard.press("Control+A");
    await page.keyboard.type("Keys & Sons");
    await page.keyboard.press("Enter");
    await page.getByText("200 OK").waitFor();
    await page.getByRole("row", { name: /Keys & Sons/ }).waitFor();
  });

  test.each<[string, BrowserContextOptions]>([
    ["on a desktop", {}],
    ["in the dark", { colorScheme: "dark" }],
    ["on a phone", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
  ])("is accessible, and as wide as the screen, %s", async (_name, options) => {
    const { page, send } = await open(options);
    await page.getByLabel("City").fill("");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("City").fill("Oslo");
    await send();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("link", { name: "ListPartners" }).click();
    expect(await violations(page)).toEqual([]);
    expect(await overhang(page)).toBe(0);
  });

  test("follows the person's colour scheme", async () => {
    const { page } = await open({ colorScheme: "dark" });
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await background();
    await page.emulateMedia({ colorScheme: "light" });
    expect([dark, await background()]).toEqual(["rgb(15, 18, 24)", "rgb(245, 246, 248)"]);
  });

  test.runIf(process.env.SCREENSHOT === "1")("has its picture taken for the README", async () => {
    const { page, send } = await open({ viewport: { width: 1440, height: 1230 } });
    await page.getByLabel("Organization").selectOption("Cedar Foods");
    await send();
    await page.getByRole("row", { name: /Example Supplies Ltd/ }).waitFor();
    await page.evaluate("scrollTo(0, 0)");
    await page.screenshot({ path: screenshot });
  });
});

/** What a screen reader says after the label. */
async function describedBy(control: ReturnType<ConsolePage["page"]["getByLabel"]>) {
  const ids = (await control.getAttribute("aria-describedby")) ?? "";
  const texts = ids.split(" ").map((id) => control.page().locator(`[id="${id}"]`).innerText());
  return (await Promise.all(texts)).join(" ").replaceAll(/\s+/g, " ").trim();
}
