import { readFile, writeFile } from "node:fs/promises";

/** Puts the text between the marks that the README has for what a script of `npm run` writes. */
export async function replaceSection(script: string, text: string): Promise<void> {
  const begin = `<!-- ${script}: written by \`npm run ${script}\` -->`;
  const end = `<!-- /${script} -->`;
  const readme = await readFile("README.md", "utf8");
  const [before, rest] = splitAt(readme, begin);
  const [, after] = splitAt(rest, end);
  await writeFile("README.md", `${before}${begin}\n${text}${end}${after}`);
}

function splitAt(text: string, mark: string): [string, string] {
  const index = text.indexOf(mark);
  if (index === -1) {
    throw new Error(`The README lacks the line ${mark}`);
  }
  return [text.slice(0, index), text.slice(index + mark.length)];
}
