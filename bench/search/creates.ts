import { type CallHeaders, loadBook, type Partners } from "../books/load.ts";
import { runClosedLoad } from "../load/http1-load.ts";
import type { Target } from "../load/load.ts";
import { median } from "../report/results.ts";

const rounds = 3;
const partnersPerRound = 10_000;
const connections = 32;
const secondsPerRound = 4;

/** Partners created a second. */
interface Rates {
  readonly batches: number;
  readonly single: number;
}

const kinds = { batches: "in batches of 100", single: "one by one, on 32 connections" } as const;

/**
 * Creates partners in the empty table, in batches and one by one, in turn without and with an index; answers
 * how many a second, in lines of a table.
 */
export async function weighCreates(
  partners: Partners,
  headers: CallHeaders,
  single: Target,
  prepare: (withIndex: boolean) => Promise<void>,
): Promise<readonly string[]> {
  const load = async (withIndex: boolean): Promise<Rates> => {
    await prepare(withIndex);
    const { seconds } = await loadBook(partners, headers, 0, partnersPerRound);
    const one = await runClosedLoad(single, connections, secondsPerRound);
    return { batches: partnersPerRound / seconds, single: one.calls / one.seconds };
  };
  await load(false);
  const results: { readonly without: Rates; readonly withIndex: Rates }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const first = await load(round % 2 === 0);
    const second = await load(round % 2 === 1);
    const [withIndex, without] = round % 2 === 0 ? [first, second] : [second, first];
    results.push({ without, withIndex });
  }
  return (["batches", "single"] as const).map((kind) => {
    const rate = (of: (result: (typeof results)[number]) => Rates) =>
      Math.round(median(results.map((result) => of(result)[kind]))).toLocaleString("en");
    const ratio = median(results.map((each) => each.withIndex[kind] / each.without[kind]));
    return `| ${kinds[kind]} | ${rate(({ without }) => without)} | ${rate(({ withIndex }) => withIndex)} | × ${ratio.toFixed(2)} |`;
  });
}
