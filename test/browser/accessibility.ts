import axe from "axe-core";
import type { Page } from "playwright-core";

/** Runs axe in the page, out of reach of the page's own policy, and names what it found. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found: { id: string; nodes: { target: string[] }[] }[] = await page.evaluate(
    "axe.run().then(({ violations }) => violations)",
  );
  return found.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`));
}

/** By how many pixels the page is wider than its window. */
export async function overhang(page: Page): Promise<number> {
  return await page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
}
