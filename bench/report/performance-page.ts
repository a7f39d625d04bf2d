import { readFile, writeFile } from "node:fs/promises";
import { replaceSections } from "../../scripts/reference/sections.ts";

const page = "docs/performance.md";

/** Writes the section of docs/performance.md that is of a script of `npm run`. */
export async function writeSection(script: string, text: string): Promise<void> {
  const section = { command: `npm run ${script}`, texts: new Map([[script, text]]) };
  const document = await readFile(page, "utf8");
  if (!document.includes(`<!-- ${script}: `)) {
    throw new Error(`${page} lacks the section ${script}.`);
  }
  await writeFile(page, replaceSections(document, section));
}
