import type { Browser, BrowserContextOptions, Page } from "playwright-core";

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

/** Opens the console, and waits until it is ready for a call. */
export async function openConsole(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
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
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) {
      complaints.push(`asked ${request.url()}`);
    }
  });
  await page.goto(url);
  await page.locator("button[type=submit]:enabled").waitFor();
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
