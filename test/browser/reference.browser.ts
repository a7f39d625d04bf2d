import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { overhang, violations } from "./accessibility.ts";
import { findChromium, launchChromium } from "./chromium.ts";

const executablePath = findChromium();
const skipped = executablePath === undefined ? " – SKIPPED, there is no Chromium" : "";

describe.skipIf(executablePath === undefined)(`the API reference in a browser${skipped}`, () => {
  let server: Server;
  let url: string;
  let browser: Browser;
  const complaints: string[] = [];

  beforeAll(async () => {
    const page = await readFile("gen/docs/index.html");
    server = createServer((_request, response) => {
      response.setHeader("Content-Type", "text/html; charset=utf-8").end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    // A server that listens on a port has an address with one.
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/docs`;
    browser = await launchChromium(executablePath ?? "");
  });
  afterEach(async () => {
    for (const context of browser.contexts()) {
      await context.close();
    }
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    server.close();
  });

  async function open(anchor = "", options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => complaints.push(message.text()));
    await page.goto(`${url}${anchor}`);
    return page;
  }

  test.each(
    ([360, 800, 1280] as const).flatMap((width) =>
      (["light", "dark"] as const).map((colorScheme) => ({ width, colorScheme })),
    ),
  )("is accessible, and as wide as the screen: $width px, $colorScheme", async (scheme) => {
    const { width, colorScheme } = scheme;
    const page = await open("", { viewport: { width, height: 800 }, colorScheme });
    expect(await violations(page)).toEqual([]);
    expect(await overhang(page)).toBe(0);
    await page.getByRole("searchbox").fill("city");
    expect(await violations(page)).toEqual([]);
    expect(await overhang(page)).toBe(0);
  });

  test("keeps its contents in sight, and marks the section that is read", async () => {
    const page = await open("#GetPartner", { viewport: { width: 1280, height: 800 } });
    const contents = page.getByRole("navigation", { name: "Contents" });
    const current = contents.locator("[aria-current]");
    await current.and(page.getByText("GetPartner", { exact: true })).waitFor();
    await contents.getByRole("link", { name: "Errors" }).click();
    await current.and(page.getByText("Errors", { exact: true })).waitFor();
    expect((await contents.boundingBox())?.y).toBeGreaterThan(0);
  });

  test("has the contents a press away on a phone, and closes them behind a link", async () => {
    const page = await open("", { viewport: { width: 360, height: 740 }, isMobile: true });
    const contents = page.getByRole("navigation", { name: "Contents" });
    expect(await contents.isVisible()).toBe(false);
    await page.getByRole("heading", { name: "Errors", exact: true }).scrollIntoViewIfNeeded();
    await page.getByRole("button", { name: "Contents" }).click();
    expect(await violations(page)).toEqual([]);
    await contents.getByRole("link", { name: "ListPartners" }).click();
    await contents.waitFor({ state: "hidden" });
    expect(new URL(page.url()).hash).toBe("#ListPartners");
  });

  test("finds fields, RPCs and errors by their names and by what they mean, by keyboard", async () => {
    const page = await open();
    const results = async () =>
      (await page.locator(".results a").allInnerTexts()).map((text) => text.trim());
    await page.keyboard.press("/");
    await page.keyboard.type("sales am");
    expect(await results()).toEqual([
      "sales_amount CreatePartnerRequest",
      "sales_amount Partner",
      "PARTNER_ORDER_FIELD_SALES_AMOUNT PartnerOrderField",
    ]);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(new URL(page.url()).hash).toBe("#Partner.sales_amount");

    await page.getByRole("searchbox").fill("companyregistrationnumber");
    expect((await results())[0]).toBe("company_registration_number CreatePartnerRequest");
    await page.getByRole("searchbox").fill("stale etag");
    expect(await results()).toEqual(["Each call", "UpdatePartner"]);
    await page.getByRole("searchbox").fill("FIELD_INVALID");
    await page.keyboard.press("Enter");
    expect(new URL(page.url()).hash).toBe("#FIELD_INVALID");
    await page.getByRole("searchbox").fill("xyzzy");
    expect(await page.getByRole("status").innerText()).toBe("Nothing found");
    await page.keyboard.press("Escape");
    expect(await page.locator(".results").isVisible()).toBe(false);
  });

  test("follows the system's colour scheme, until the reader asks for the other", async () => {
    const page = await open("", { colorScheme: "dark" });
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const [dark, light] = ["rgb(18, 22, 29)", "rgb(255, 255, 255)"];
    expect(await background()).toBe(dark);
    await page.emulateMedia({ colorScheme: "light" });
    expect(await background()).toBe(light);
    await page.getByRole("button", { name: "Dark" }).click();
    expect(await background()).toBe(dark);
    await page.reload();
    expect(await background()).toBe(dark);
    await page.getByRole("button", { name: "Light" }).click();
    expect(await background()).toBe(light);
  });

  test("can be read without its script", async () => {
    const page = await open("", { javaScriptEnabled: false });
    expect(await page.getByRole("searchbox").isVisible()).toBe(false);
    await page.getByRole("navigation").getByRole("link", { name: "Errors" }).click();
    expect(await page.getByText("FIELD_INVALID", { exact: true }).isVisible()).toBe(true);
  });
});
