import type { Calls } from "../calls.ts";
import { openHttp1Connection } from "../load/http1-connection.ts";
import { runOpenLoad } from "../load/http1-load.ts";
import type { Target, TimedResult } from "../load/load.ts";
import { median } from "../report/results.ts";
import { listCall } from "./searches.ts";

/** How many searches one organization has under way at once. */
const searchers = [1, 4, 8, 16];
/** What another organization calls meanwhile, each on connections of its own. */
const getsPerSecond = 200;
const createsPerSecond = 50;
const connections = 8;

const rounds = 3;

/** What one organization's searches were answered with, by HTTP status, and the calls of another. */
interface Round {
  readonly answers: ReadonlyMap<number, number>;
  readonly gets: TimedResult;
  readonly creates: TimedResult;
}

interface Pair {
  readonly alone: Round;
  readonly searched: Round;
}

/**
 * Has one organization search its book, again as soon as it is answered, while another gets and creates
 * partners, and these by themselves, in turn; answers what the others' calls take, in lines of a table,
 * and how many times as long as alone. However many searches come, one is under way: the rows differ by
 * what else the machine did, and it is all of them together that count.
 */
export async function measureOthers(
  baseUrl: string,
  {
    connect: { get, create },
    searcher,
    seconds,
  }: Pick<Calls, "connect"> & {
    readonly searcher: Readonly<Record<string, string>>;
    readonly seconds: number;
  },
) {
  const target = (call: Target["call"]): Target => ({ url: `${baseUrl}${call.path}`, call });
  const search = target(listCall(searcher, { filters: { text: "0f0f0f0f0" } }));

  async function measure(atOnce: number): Promise<Round> {
    const answers = new Map<number, number>();
    let isOver = false;
    const searching = Array.from({ length: atOnce }, async () => {
      const connection = await openHttp1Connection(search);
      while (!isOver) {
        const status = await connection.call();
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
      connection.close();
    });
    const [gets, creates] = await Promise.all([
      runOpenLoad(target(get), connections, getsPerSecond, seconds),
      runOpenLoad(target(create), connections, createsPerSecond, seconds),
    ]);
    isOver = true;
    await Promise.all(searching);
    return { answers, gets, creates };
  }

  // V8 compiles what the calls run through before those that count.
  await measure(0);
  const pairs = new Map<number, Pair[]>(searchers.map((atOnce) => [atOnce, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [atOnce, those] of pairs) {
      those.push({ alone: await measure(0), searched: await measure(atOnce) });
    }
  }
  const all = [...pairs.values()].flat();
  const whole = summarize("any", all);
  return {
    lines: [
      "| searches at once | answered | OVERLOADED | else | another's gets, p99 | | its creates, p99 | |",
      "|---:|---:|---:|---:|---:|---:|---:|---:|",
      summarize(
        "0",
        all.map(({ alone }) => ({ alone, searched: alone })),
      ).line,
      ...[...pairs].map(([atOnce, those]) => summarize(String(atOnce), those).line),
      whole.line,
    ],
    times: whole.times,
  };
}

/** The p99 in medians, and how many times as long as right before, alone, that is: a median as well. */
function summarize(title: string, pairs: readonly Pair[]) {
  const answers = pairs.map(({ searched }) => searched.answers);
  const answered = (status: number) => answers.reduce((sum, by) => sum + (by.get(status) ?? 0), 0);
  const all = answers.reduce((sum, by) => [...by.values()].reduce(add, sum), 0);
  const [ok, overloaded] = [answered(200), answered(429)];
  const kinds = (["gets", "creates"] as const).map((kind) => ({
    p99Ms: median(pairs.map(({ searched }) => searched[kind].p99Ms)),
    times: median(pairs.map(({ searched, alone }) => searched[kind].p99Ms / alone[kind].p99Ms)),
    failures: pairs.reduce((sum, { searched }) => sum + searched[kind].failures, 0),
  }));
  const cells = kinds.map(({ p99Ms, times, failures }) => {
    const failed = failures === 0 ? "" : `, ${failures} FAILED`;
    return `${p99Ms.toFixed(1)} ms${failed} | × ${times.toFixed(2)}`;
  });
  return {
    line: `| ${title} | ${ok} | ${overloaded} | ${all - ok - overloaded} | ${cells.join(" | ")} |`,
    times: Math.max(
      ...kinds.map(({ times, failures }) => (failures > 0 ? Number.POSITIVE_INFINITY : times)),
    ),
  };
}

const add = (one: number, other: number) => one + other;
