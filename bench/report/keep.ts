import { mkdir, readFile, writeFile } from "node:fs/promises";
import { drawChart } from "./chart.ts";
import type { Results } from "./results.ts";
import { formatResults } from "./table.ts";
import { compareWithTargets } from "./targets.ts";

const directory = "bench/results";
const begin = "<!-- bench: written by `npm run bench` -->";
const end = "<!-- /bench -->";

/** Writes the figures, the chart, and the table between its marks in the README. */
export async function keepResults(results: Results): Promise<void> {
  await mkdir(directory, { recursive: true });
  const figures = { ...results, targets: compareWithTargets(results) };
  await writeFile(`${directory}/latest.json`, `${JSON.stringify(figures, null, 2)}\n`);
  await writeFile(`${directory}/chart.svg`, drawChart(results));
  const readme = await readFile("README.md", "utf8");
  const [before, rest] = splitAt(readme, begin);
  const [, after] = splitAt(rest, end);
  const section = `\n![Durable creates a second](${directory}/chart.svg)\n\n${formatResults(results)}`;
  await writeFile("README.md", before + begin + section + end + after);
}

function splitAt(text: string, mark: string): [string, string] {
  const index = text.indexOf(mark);
  if (index === -1) {
    throw new Error(`The README lacks the line ${mark}`);
  }
  return [text.slice(0, index), text.slice(index + mark.length)];
}
