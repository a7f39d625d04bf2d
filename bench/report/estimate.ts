import { median } from "./results.ts";

export interface Estimate {
  readonly middle: number;
  /** What is estimated lies between these, with a probability of 95 %. */
  readonly least: number;
  readonly most: number;
}

/**
 * Estimates what values scatter about, by Hodges and Lehmann: the median of the means of all pairs, which makes
 * more of few values than their median does, and bears with some that are far off. The interval is that of
 * Wilcoxon's signed-rank test, by its normal approximation, which is good for seven values and more.
 */
export function estimate(values: readonly number[]): Estimate {
  const means = values
    .flatMap((one, index) => values.slice(index).map((other) => (one + other) / 2))
    .toSorted((one, other) => one - other);
  const { length: count } = values;
  const deviation = Math.sqrt((count * (count + 1) * (2 * count + 1)) / 24);
  const outside = Math.max(0, Math.floor(means.length / 2 - 1.96 * deviation));
  return {
    middle: median(means),
    least: means[outside] ?? Number.NaN,
    most: means.at(-1 - outside) ?? Number.NaN,
  };
}
