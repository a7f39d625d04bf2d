import { expect, test } from "vitest";
import { startProcess } from "./support/process.ts";

test.each(["bench", "books", "feed", "search", "soak", "compare", "ablation", "instructions"])(
  "bench/%s.ts says how it is used when it is called otherwise, and fails",
  async (name) => {
    const bench = startProcess(`bench/${name}.ts`, {}, ["--unknown"]);
    expect(await bench.ended()).toBe(2);
    expect(bench.output()).toMatch(/^usage: npm run /);
  },
);
