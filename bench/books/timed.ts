import { median } from "../report/results.ts";

/** How long the work takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The median of what several rounds measure, one after the other. */
export async function medianOf(rounds: number, measure: () => Promise<number>): Promise<number> {
  const results: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    results.push(await measure());
  }
  return median(results);
}
