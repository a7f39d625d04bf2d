import type { Machine } from "../report/results.ts";
import type { IndexWeight } from "./indexes.ts";
import type { ListTimes } from "./measure.ts";

/** What was measured, as it is kept in results/books.json. */
export interface BookResults {
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly books: readonly {
    readonly size: number;
    readonly loadedPerSecond: number;
    readonly lists: readonly ListTimes[];
    readonly indexes: readonly IndexWeight[];
  }[];
}

/** The results as Markdown. */
export function formatBooks({ books }: BookResults): string {
  return books
    .map(({ size, loadedPerSecond, lists, indexes }) => {
      const rows = lists.map(({ title, serviceMs, statementMs }) => {
        const ratio = (serviceMs / statementMs).toFixed(2);
        return `| ${title} | ${serviceMs.toFixed(1)} ms | ${statementMs.toFixed(1)} ms | × ${ratio} |`;
      });
      return [
        `| ${count(size)} partners, loaded at ${count(loadedPerSecond)} a second | service, p50 | pg, p50 | |`,
        "|---|---:|---:|---:|",
        ...rows,
        "",
        `| an index for this order, at ${count(size)} partners | first page without | with it | takes | an insert takes |`,
        "|---|---:|---:|---:|---:|",
        ...indexes.map(formatIndex),
        "",
      ].join("\n");
    })
    .join("\n");
}

function formatIndex({ column, ...weight }: IndexWeight): string {
  const { pageMs, pageWithIndexMs, insertFactor, megabytes } = weight;
  const pages = `${pageMs.toFixed(1)} ms | ${pageWithIndexMs.toFixed(1)} ms`;
  return `| ${column} | ${pages} | ${megabytes.toFixed(1)} MB | × ${insertFactor.toFixed(2)} |`;
}

const count = (value: number) => Math.round(value).toLocaleString("en");
