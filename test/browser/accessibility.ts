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

/**
 * What is wider than the panel that it is in, or has more in it, from side to side, than it shows. A
 * control may: a person moves within it.
 */
export async function misfits(page: Page): Promise<string[]> {
  return await page.evaluate(`
    [...document.querySelectorAll("body *")]
      .filter((element) => {
        if (!element.checkVisibility() || element.closest(".visually-hidden, .skip-link, option")) {
          return false;
        }
        const panel = element.matches("dialog")
          ? document.body
          : (element.parentElement.closest(".panel, .page-header") ?? document.body);
        const [place, box] = [panel, element].map((each) => each.getBoundingClientRect());
        const hides =
          element.clientWidth > 0 &&
          !element.matches("input, select, textarea") &&
          element.scrollWidth > element.clientWidth + 1;
        return hides || box.left < place.left - 1 || box.right > place.right + 1;
      })
      .map((element) => element.tagName + "." + element.className + " " + element.textContent.slice(0, 40))
  `);
}
