import { appendFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { shareCompiledCode } from "../support/scratch.ts";
import type { Comparison } from "./comparison.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The file that collects a line of JSON for each fault. */
    faultsReport: string;
  }
}

/** What a fault has done. */
export interface FaultResult extends Comparison {
  readonly fault: string;
  /** Tries that failed meanwhile, each of which its caller repeated. */
  readonly refused: number;
  /** The longest that a caller waited for a refusal. */
  readonly slowestRefusalMs: number;
  /** From the return of what was away to the first create; absent where nothing was away. */
  readonly backAfterMs?: number;
}

/** Vitest calls it before all tests, and what it returns, which prints the table, after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "partner-faults-report-"));
  const file = join(directory, "results.jsonl");
  await writeFile(file, "");
  project.provide("faultsReport", file);
  shareCompiledCode(directory);
  return async () => {
    const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
    console.log(`\n${formatTable(lines.map((line): FaultResult => JSON.parse(line)))}`);
    await rm(directory, { recursive: true });
  };
}

/** Adds a line to the table. */
export function report(result: FaultResult): void {
  appendFileSync(inject("faultsReport"), `${JSON.stringify(result)}\n`);
}

function formatTable(results: readonly FaultResult[]): string {
  const header = [
    ...["fault", "acknowledged", "found", "lost", "duplicated", "altered"],
    ...["refused", "slowest refusal", "back after"],
  ];
  const rows = results.map((result) => [
    result.fault,
    ...[result.acknowledged, result.found, result.lost, result.duplicated, result.altered],
    result.refused,
    result.refused === 0 ? "" : `${Math.round(result.slowestRefusalMs)} ms`,
    result.backAfterMs === undefined ? "" : `${Math.round(result.backAfterMs)} ms`,
  ]);
  const rule = header.map((_, column) => (column === 0 ? "---" : "---:"));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
