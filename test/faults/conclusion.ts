import { expect } from "vitest";
import { compareWithTable } from "./comparison.ts";
import type { FaultyPostgres } from "./faulty-postgres.ts";
import type { Load } from "./load.ts";
import { type FaultResult, report } from "./report.ts";

/** What the database's absence looks like to a caller. */
export const databaseUnavailable = "Unavailable DATABASE_UNAVAILABLE";

/** What is known of a fault when its load has finished. */
interface Observation {
  readonly fault: string;
  readonly postgres: FaultyPostgres;
  readonly organization: string;
  readonly load: Pick<Load, "acknowledged" | "refusals">;
  readonly backAfterMs?: number;
}

/** Expects each acknowledged create in the table, once and unaltered, and nothing else there. */
export async function expectNothingLost({
  fault,
  postgres,
  organization,
  load: { acknowledged, refusals },
  backAfterMs,
}: Observation): Promise<FaultResult> {
  const comparison = await compareWithTable(postgres, organization, acknowledged);
  const result: FaultResult = {
    fault,
    ...comparison,
    refused: refusals.length,
    slowestRefusalMs: Math.max(0, ...refusals.map(({ afterMs }) => afterMs)),
    ...(backAfterMs === undefined ? {} : { backAfterMs }),
  };
  report(result);
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(comparison).toEqual({
    acknowledged: acknowledged.length,
    found: acknowledged.length,
    lost: 0,
    duplicated: 0,
    altered: 0,
  });
  return result;
}

/** The different ways in which tries failed. */
export function outcomesOf({ refusals }: Pick<Load, "refusals">): readonly string[] {
  return [...new Set(refusals.map(({ outcome }) => outcome))].sort();
}
