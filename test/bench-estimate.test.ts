import { expect, test } from "vitest";
import { estimate } from "../bench/report/estimate.ts";

test("What values scatter about is estimated with the interval that tables of the signed-rank test give", () => {
  expect(estimate([4, 9, 1, 7, 3, 10, 6, 2, 8, 5])).toEqual({ middle: 5.5, least: 3, most: 8 });
});

test("One value that is far off changes an estimate little", () => {
  const { middle } = estimate([0.99, 1, 1.01, 0.98, 1.02, 0.99, 1.01, 1, 1, 9]);
  expect(middle).toBeCloseTo(1, 1);
});
