import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createOrm } from "@partner-service/postgres-statements";
import pg from "pg";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { schema } from "../src/database/open-database.ts";
import { createSearchIndex } from "../src/database/search-index.ts";
import { timed } from "./books/timed.ts";
import { endWith } from "./end-with.ts";
import { withFixture } from "./fixture.ts";
import { writeSections } from "./report/performance-page.ts";
import { insertNamedBook } from "./search/book.ts";
import { weighCreates } from "./search/creates.ts";
import { measureOthers } from "./search/others.ts";
import { timeSearches } from "./search/searches.ts";
import { formatWeights, weighLog, weighPartners } from "./search/weights.ts";
import { startContender } from "./servers.ts";

const usage = "usage: npm run bench:search -- [--size PARTNERS] [--seconds SECONDS]";

const indexName = "partner_search_index";
/** How many times as long as alone others' calls may take at the 99th of 100. */
const bound = 2;

/**
 * Fills a book, and measures what searches of it take from the calls of another organization, what they
 * take themselves without and with the index for texts, what that costs, and what a partner takes on the
 * disk. Returns whether the others keep their times.
 */
async function main(size: number, seconds: number): Promise<boolean> {
  return await withFixture(async ({ database, calls, publicKeyFile }) => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const server = await startContender("service", database, publicKeyFile);
    const baseUrl = `http://127.0.0.1:${server.port}`;
    const partners = createClient(PartnerService, createGrpcTransport({ baseUrl }));
    const organization = randomUUID();
    const searcher = await calls.headersFor(organization);
    try {
      say("creates without and with the index");
      const { create } = calls.connect;
      const single = { url: `${baseUrl}${create.path}`, call: create };
      const creates = await weighCreates(partners, searcher, single, async (withIndex) => {
        await database.reset();
        await client.query(`drop index if exists ${indexName}`);
        if (withIndex) {
          await createIndex(database.url);
        }
      });
      await client.query(`drop index if exists ${indexName}`);
      await database.reset(calls.book);
      say("the book");
      const logged = await weighLog(client, () => insertNamedBook(client, organization, size));
      say("searches without the index");
      const without = await timeSearches(baseUrl, searcher);
      say("others meanwhile");
      const others = await measureOthers(baseUrl, { ...calls, searcher, seconds });
      say("the index");
      const indexSeconds = (await timed(() => createIndex(database.url))) / 1000;
      await client.query("vacuum analyze partner");
      const withIndex = await timeSearches(baseUrl, searcher);
      const sections = {
        "bench:search:others": others.lines.join("\n"),
        "bench:search:index": [
          `| a search of a book of ${count(size)}, p50 | without the index | with it |`,
          "|---|---:|---:|",
          ...without.map(
            ({ title, ms }, row) =>
              `| ${title} | ${ms.toFixed(1)} ms | ${withIndex[row]?.ms.toFixed(1)} ms |`,
          ),
          "",
          `The index was made in ${indexSeconds.toFixed(0)} s. What creates pay for it:`,
          "",
          "| partners created a second | without the index | with it | |",
          "|---|---:|---:|---:|",
          ...creates,
        ].join("\n"),
        "bench:search:bytes": formatWeights(await weighPartners(client), logged / size),
      };
      console.log(Object.values(sections).join("\n\n"));
      await writeSections("bench:search", "docs/scaling.md", sections);
      return others.times <= bound;
    } finally {
      await server.stop();
      await client.end();
    }
  });
}

async function createIndex(databaseUrl: string): Promise<void> {
  const orm = await createOrm({ databaseUrl, statementTimeoutMs: 0 }, schema);
  await createSearchIndex(orm);
  await orm.close(true);
}

const say = (phase: string) =>
  console.error(`${(performance.now() / 1000).toFixed(0)} s: ${phase}`);
const count = (value: number) => Math.round(value).toLocaleString("en");

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        size: { type: "string", default: "1000000" },
        seconds: { type: "string", default: "5" },
      },
    });
    const [size, seconds] = [Number(values.size), Number(values.seconds)];
    const areGood = Number.isInteger(size) && size > 0 && seconds >= 1;
    return areGood ? { size, seconds } : undefined;
  } catch {
    return undefined;
  }
}

const values = readArguments();
if (values === undefined) {
  console.error(usage);
  endWith(2);
} else if (!(await main(values.size, values.seconds))) {
  endWith(1);
}
