import { timed } from "../books/timed.ts";
import type { Call } from "../calls.ts";
import { openHttp1Connection } from "../load/http1-connection.ts";
import { median } from "../report/results.ts";

/** How often each search is made, and how long all of one may take; three must do. */
const rounds = 15;
const budgetMs = 4000;
const leastRounds = 3;

/** The book's names and addresses are of numbers in hexadecimal. */
const searches = [
  { title: "few partners have it: `beef5`", request: { filters: { text: "beef5" } } },
  { title: "no partner has it: `0f0f0f0f0`", request: { filters: { text: "0f0f0f0f0" } } },
  { title: "all have it: `company`", request: { filters: { text: "company" } } },
  { title: "two characters, which many have: `e7`", request: { filters: { text: "e7" } } },
  { title: "two characters, which none has: `?!`", request: { filters: { text: "?!" } } },
  {
    title: "few have it, and they are counted",
    request: { filters: { text: "beef5" }, includeTotalSize: true },
  },
  {
    title: "all have it, and they are counted",
    request: { filters: { text: "company" }, includeTotalSize: true },
  },
];

/** A list as it is sent: JSON over Connect. */
export function listCall(headers: Readonly<Record<string, string>>, request: object): Call {
  return {
    method: "POST",
    path: "/partner.v1.PartnerService/ListPartners",
    headers: { ...headers, "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(request)),
  };
}

/** Times each search by itself, until the last byte of its answer; in medians. */
export async function timeSearches(baseUrl: string, headers: Readonly<Record<string, string>>) {
  const times: { readonly title: string; readonly ms: number }[] = [];
  for (const { title, request } of searches) {
    const call = listCall(headers, request);
    const connection = await openHttp1Connection({ url: `${baseUrl}${call.path}`, call });
    const taken: number[] = [];
    const deadline = performance.now() + budgetMs;
    while (taken.length < leastRounds || (taken.length < rounds && performance.now() < deadline)) {
      let status = 0;
      taken.push(
        await timed(async () => {
          status = await connection.call();
        }),
      );
      if (status !== 200) {
        throw new Error(`The search ${title} is answered with ${status}.`);
      }
    }
    connection.close();
    times.push({ title, ms: median(taken) });
  }
  return times;
}
