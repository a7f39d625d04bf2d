import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { misfits, overhang, violations } from "./accessibility.ts";
import { addPartner, describeConsole } from "./console-page.ts";

const widths = [360, 800, 1280, 1920];
const scenarios = ["Self", "Host", "Guest", "Invited"];
const pages = [
  "Book",
  "Import",
  "Connections",
  "CreatePartner",
  "ListPartners",
  "BatchCreatePartners",
];
/** No text of a book makes the page wider, not even one that has no place to break at. */
const longName = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";

describeConsole("how the console is laid out in a browser", (open) => {
  beforeAll(async () => {
    const { page } = await open({}, "");
    await addPartner(page, longName);
    await page.getByRole("button", { name: "Invite" }).click();
    await page.getByRole("button", { name: "Copy the invitation" }).waitFor();
    for (const scenario of ["Host", "Guest"]) {
      await page.getByLabel(scenario).check();
      await page.getByRole("button", { name: /^Connect them/ }).click();
      await page.getByText(/^Connected: /).waitFor();
    }
  });

  test.each(scenarios)("has nothing wider than its place: %s", async (scenario) => {
    const { page } = await open({}, "");
    await page.getByLabel(scenario).check();
    for (const name of pages) {
      await visit(page, name);
      expect(await misfitsAtEachWidth(page)).toEqual([]);
    }
  });

  test("has nothing wider than its place: an open partner, a question, problems, an answer", async () => {
    const { page } = await open({}, "");
    await page.getByRole("link", { name: longName }).click();
    await page.getByRole("button", { name: "Invite again" }).click();
    await page.getByRole("button", { name: "Copy the invitation" }).waitFor();
    await page.getByLabel("City").fill("");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("A field breaks a rule. Nothing was saved.").waitFor();
    expect(await misfitsAtEachWidth(page)).toEqual([]);
    await page.getByRole("button", { name: "Delete…" }).click();
    expect(await misfitsAtEachWidth(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await visit(page, "CreatePartner");
    await page.getByLabel("City").fill("");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("button", { name: "Send anyway" }).click();
    await page.locator(".outcome").waitFor();
    expect(await misfitsAtEachWidth(page)).toEqual([]);
  });

  test.each(
    ([360, 1280] as const).flatMap((width) =>
      (["light", "dark"] as const).map((colorScheme) => ({ width, colorScheme })),
    ),
  )("is accessible on each page: $width px, $colorScheme", async ({ width, colorScheme }) => {
    const viewport = { width, height: 740 };
    const { page } = await open({ viewport, colorScheme, reducedMotion: "reduce" }, "");
    for (const name of pages) {
      await visit(page, name);
      expect({ name, found: await violations(page) }).toEqual({ name, found: [] });
    }
    await visit(page, "Book");
    await page.getByRole("link", { name: longName }).click();
    await page.getByLabel("City").fill("");
    await page.getByRole("button", { name: "Save" }).click();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await violations(page)).toEqual([]);
  });

  test("shows the whole list of RPCs at 1,280 × 800, and lets it make room on a phone", async () => {
    const { page } = await open({ viewport: { width: 1280, height: 800 } });
    const box = await page.getByRole("link", { name: "EndConnection" }).boundingBox();
    expect(box !== null && box.y + box.height).toBeLessThan(800);

    const { page: phone } = await open({ viewport: { width: 360, height: 740 } });
    await phone.getByText("RPCs", { exact: true }).click();
    await phone.getByRole("link", { name: "ListPartners" }).click();
    await phone.getByRole("heading", { name: "ListPartners", exact: true }).waitFor();
    expect(await phone.getByRole("link", { name: "ListPartners" }).isVisible()).toBe(false);
    await phone.locator("summary:focus").waitFor();
  });
});

/** Goes to a page, and waits for what it loads. */
async function visit(page: Page, name: string): Promise<void> {
  await page.evaluate(`location.hash = "#${name}"`);
  const loaded: Readonly<Record<string, string>> = {
    Book: ".book h2 .badge, .book .notice",
    Import: "main > .panel",
    Connections: ".connections h2 .badge",
  };
  await page.locator(loaded[name] ?? `#request-heading:text-is("${name}")`).waitFor();
}

async function misfitsAtEachWidth(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    const names = await misfits(page);
    found.push(...names.map((name) => `${new URL(page.url()).hash} at ${width}: ${name}`));
    const by = await overhang(page);
    found.push(...(by === 0 ? [] : [`the page at ${width}: by ${by}`]));
  }
  return found;
}
