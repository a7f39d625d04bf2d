import { readFile, writeFile } from "node:fs/promises";
import { replaceSections } from "../../scripts/reference/sections.ts";

/** Writes the section of docs/performance.md that is of a script of `npm run`. */
export async function writeSection(script: string, text: string): Promise<void> {
  await writeSections(script, "docs/performance.md", { [script]: text });
}

/** Writes the sections of a document that are of a script of `npm run`, by their names. */
export async function writeSections(
  script: string,
  page: string,
  sections: Readonly<Record<string, string>>,
): Promise<void> {
  const texts = new Map(Object.entries(sections));
  const document = await readFile(page, "utf8");
  for (const name of texts.keys()) {
    if (!document.includes(`<!-- ${name}: `)) {
      throw new Error(`${page} lacks the section ${name}.`);
    }
  }
  await writeFile(page, replaceSections(document, { command: `npm run ${script}`, texts }));
}
