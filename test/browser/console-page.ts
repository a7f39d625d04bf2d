import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { type ServiceProcess, startProcess } from "../support/process.ts";
import { findChromium, launchChromium } from "./chromium.ts";

/** A console in a tab of its own. */
export interface ConsolePage {
  readonly page: Page;
  /** What the browser complained about: scripts that failed, and what the policy forbids. */
  readonly complaints: readonly string[];
  /** Presses the form's button, and waits for the answer. */
  send(): Promise<void>;
  /** The outcome of the last answer, as a screen reader says it. */
  outcome(): Promise<string>;
  close(): Promise<void>;
}

/** Opens the console at a page of its own, the form of CreatePartner if none is named. */
export type OpenConsole = (options?: BrowserContextOptions, page?: string) => Promise<ConsolePage>;

/** Tests of the console of a sandbox of their own, if there is a Chromium. */
export function describeConsole(name: string, define: (open: OpenConsole) => void): void {
  const executablePath = findChromium();
  const skipped = executablePath === undefined ? " – SKIPPED, there is no Chromium" : "";
  describe.skipIf(executablePath === undefined)(`${name}${skipped}`, () => {
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

    define(async (options = {}, page = "CreatePartner") => {
      const console = await openConsole(browser, `${url}/#${page}`, options);
      opened.push(console);
      return console;
    });
  });
}

/** Opens the console, and waits until it is ready for a call. */
async function openConsole(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
): Promise<ConsolePage> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 960 },
    ...options,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // The browser reports every answer that is an error; those are the tests' business.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      complaints.push(message.text());
    }
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith("data:")) {
      complaints.push(`asked ${request.url()}`);
    }
  });
  await page.goto(url);
  await page
    .locator("main :is(button[type=submit]:enabled, .badge, input[type=file])")
    .first()
    .waitFor();
  const answer = page.getByRole("region", { name: "Answer", exact: true });
  return {
    page,
    complaints,
    async send() {
      const answered = page.waitForResponse(
        (response) =>
          response.request().method() === "POST" &&
          !response.url().endsWith("/WatchPartnerChanges"),
      );
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await answered;
      await page.locator(".answer[aria-busy=false] .outcome").waitFor();
    },
    async outcome() {
      return (await answer.locator(".outcome").innerText()).replaceAll(/\s+/g, " ");
    },
    async close() {
      await context.close();
    },
  };
}

/** Adds a partner to the book that is shown, and leaves it open. */
export async function addPartner(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name: "Add a partner" }).click();
  await page.getByRole("button", { name: "Fill with examples" }).click();
  await page.getByLabel("Company name").fill(name);
  await page.getByRole("button", { name: "Add the partner" }).click();
  await page.getByRole("heading", { name, exact: true }).waitFor();
}
