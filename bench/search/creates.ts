import { type CallHeaders, loadBook, type Partners } from "../books/load.ts";
import { median } from "../report/results.ts";

const rounds = 3;
const partnersPerRound = 10_000;

/** Loads the empty table in turn without and with an index; answers partners a second, in medians. */
export async function weighLoads(
  partners: Partners,
  headers: CallHeaders,
  prepare: (withIndex: boolean) => Promise<void>,
) {
  const load = async (withIndex: boolean) => {
    await prepare(withIndex);
    const { seconds } = await loadBook(partners, headers, 0, partnersPerRound);
    return partnersPerRound / seconds;
  };
  await load(false);
  const results: { readonly without: number; readonly withIndex: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const first = await load(round % 2 === 0);
    const second = await load(round % 2 === 1);
    const [withIndex, without] = round % 2 === 0 ? [first, second] : [second, first];
    results.push({ without, withIndex });
  }
  return {
    without: median(results.map(({ without }) => without)),
    withIndex: median(results.map(({ withIndex }) => withIndex)),
    ratio: median(results.map(({ without, withIndex }) => withIndex / without)),
  };
}
