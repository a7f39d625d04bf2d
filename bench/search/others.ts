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

/**
 * Has one organization search its book, again as soon as it is answered, while another gets and creates
 * partners, and these by themselves, in turn; answers what the others' calls take, in lines of a table,
 * and the most times as long as alone.
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
  const alone: Round[] = [];
  const searched = new Map<number, Round[]>(searchers.map((atOnce) => [atOnce, []]));
  for (let round = 0; round < rounds; round += 1) {
    alone.push(await measure(0));
    for (const [atOnce, those] of searched) {
      those.push(await measure(atOnce));
    }
  }
  const lines = [...searched].map(([atOnce, those]) => summarize(atOnce, those, alone));
  return {
    lines: [
      "| searches at once | answered | OVERLOADED | else | another's gets, p99 | | its creates, p99 | |",
      "|---:|---:|---:|---:|---:|---:|---:|---:|",
      summarize(0, alone, alone).line,
      ...lines.map(({ line }) => line),
    ],
    worst: Math.max(...lines.map(({ worst }) => worst)),
  };
}

/** The p99 of all rounds, in medians, and how many times as long as alone that is. */
function summarize(atOnce: number, those: readonly Round[], alone: readonly Round[]) {
  const answered = (status: number) =>
    those.reduce((sum, { answers }) => sum + (answers.get(status) ?? 0), 0);
  const all = those.reduce((sum, { answers }) => [...answers.values()].reduce(add, sum), 0);
  const [ok, overloaded] = [answered(200), answered(429)];
  const kinds = (["gets", "creates"] as const).map((kind) => {
    const p99Of = (some: readonly Round[]) => median(some.map((round) => round[kind].p99Ms));
    const failures = those.reduce((sum, round) => sum + round[kind].failures, 0);
    return { p99Ms: p99Of(those), times: p99Of(those) / p99Of(alone), failures };
  });
  const cells = kinds.map(({ p99Ms, times, failures }) => {
    const failed = failures === 0 ? "" : `, ${failures} FAILED`;
    return `${p99Ms.toFixed(1)} ms${failed} | × ${times.toFixed(2)}`;
  });
  return {
    line: `| ${atOnce} | ${ok} | ${overloaded} | ${all - ok - overloaded} | ${cells.join(" | ")} |`,
    worst: Math.max(
      ...kinds.map(({ times, failures }) => (failures > 0 ? Number.POSITIVE_INFINITY : times)),
    ),
  };
}

const add = (one: number, other: number) => one + other;
