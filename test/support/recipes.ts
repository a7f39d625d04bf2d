import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A place that a recipe of CONTRIBUTING.md names, and the code that it puts there. */
interface Edit {
  readonly file: string;
  /** Absent: the file is new. */
  readonly place?: { readonly side: "above" | "below"; readonly line: string };
  readonly code: string;
}

const edit =
  /^ {3}In (?:the new file )?`(?<file>[^`]+)`(?:, (?<side>above|below) the line with `(?<line>[^`]+)`|[^`\n]*):\n\n {3}```\w+\n(?<code>[\s\S]*?)^ {3}```$/gm;

/** The edits that a document's section asks for, in order. */
export function readRecipe(document: string, heading: string): readonly Edit[] {
  const [, section = ""] = document.split(`\n## ${heading}\n`);
  const [recipe = ""] = section.split("\n## ");
  const edits = [...recipe.matchAll(edit)].map(({ groups: { file, side, line, code } = {} }) => ({
    file: file ?? "",
    ...(line === undefined ? {} : { place: { side: side === "above" ? side : "below", line } }),
    code: (code ?? "").replaceAll(/^ {3}/gm, ""),
  }));
  const blocks = recipe.match(/^ {3}```\w+$/gm) ?? [];
  if (edits.length === 0 || edits.length !== blocks.length) {
    throw new Error(`Of ${blocks.length} blocks of "${heading}" ${edits.length} can be followed.`);
  }
  // The pattern knows no other side.
  return edits as Edit[];
}

/**
 * Makes the edits in a copy of the tree, with numbers where the recipe leaves them to the reader: NEXT
 * is the next free one of the message, NNNN that of the migrations.
 *
 * @throws Error when a place is not exactly one line.
 */
export function applyRecipe(directory: string, edits: readonly Edit[]): void {
  const migrations = readdirSync(join(directory, "src/database/migrations")).length + 1;
  const numbered = (text: string) => text.replaceAll("NNNN", String(migrations).padStart(4, "0"));
  for (const { file, place, code } of edits) {
    const path = join(directory, numbered(file));
    if (place === undefined) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, numbered(code));
      continue;
    }
    const lines = readFileSync(path, "utf8").split("\n");
    const found = lines.flatMap((line, index) => (line.includes(place.line) ? index : []));
    const [index = 0] = found;
    if (found.length !== 1) {
      throw new Error(`${found.length} lines of ${file} have ${place.line}.`);
    }
    const at = place.side === "above" ? index : index + 1;
    const next = String(nextFieldNumber(lines, index));
    const added = numbered(code).replaceAll("NEXT", next).replace(/\n$/, "").split("\n");
    writeFileSync(path, lines.toSpliced(at, 0, ...added).join("\n"));
  }
}

/** The number after the greatest of the message that the line is in. */
function nextFieldNumber(lines: readonly string[], index: number): number {
  const start = lines.findLastIndex((line, at) => at < index && line.startsWith("message "));
  const length = lines.slice(start).indexOf("}");
  const numbers = lines.slice(start, start + length).map((line) => / = (\d+)(?:;| \[)/.exec(line));
  return Math.max(0, ...numbers.map((match) => Number(match?.[1] ?? 0))) + 1;
}
