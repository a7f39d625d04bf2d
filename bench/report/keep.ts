import { mkdir, writeFile } from "node:fs/promises";
import { drawChart } from "./chart.ts";
import { writeSection } from "./performance-page.ts";
import type { Results } from "./results.ts";
import { formatResults } from "./table.ts";
import { compareWithTargets } from "./targets.ts";

const directory = "bench/results";

/** Writes the figures, the chart, and the table into its section of docs/performance.md. */
export async function keepResults(results: Results): Promise<void> {
  await mkdir(directory, { recursive: true });
  const figures = { ...results, targets: compareWithTargets(results) };
  await writeFile(`${directory}/latest.json`, `${JSON.stringify(figures, null, 2)}\n`);
  await writeFile(`${directory}/chart.svg`, drawChart(results));
  const picture = `![Durable creates a second](../${directory}/chart.svg)`;
  await writeSection("bench", `${picture}\n\n${formatResults(results)}`);
}
