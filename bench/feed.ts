import { parseArgs } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import pg from "pg";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { endWith } from "./end-with.ts";
import { insertBook } from "./feed/book.ts";
import { weighCreates } from "./feed/creates.ts";
import { measurePages, readByService, readByStatements, readByWatch } from "./feed/pages.ts";
import { measureWatchers, type WatcherCosts } from "./feed/watchers.ts";
import { withFixture } from "./fixture.ts";
import { writeSection } from "./report/performance-page.ts";
import { startContender } from "./servers.ts";

const usage = "usage: npm run bench:feed -- [--size PARTNERS] [--watchers WATCHERS]";

/** One of the figures, with what it is held to. */
interface Figure {
  readonly title: string;
  readonly measured: string;
  readonly bound: string;
  readonly kept: boolean;
}

/** Measures what it takes to follow a book, and what that costs those who are followed. */
async function main(size: number, watchers: number): Promise<void> {
  const figures = [await creates(), ...(await follow(size, watchers))];
  const text = [
    `| a book of ${count(size)} | measured | the bound | |`,
    "|---|---:|---:|---|",
    ...figures.map(
      ({ title, measured, bound, kept }) =>
        `| ${title} | ${measured} | ${bound} | ${kept ? "✓" : "✗"} |`,
    ),
  ].join("\n");
  console.log(text);
  await writeSection("bench:feed", text);
}

async function creates(): Promise<Figure> {
  const { withFeed, without, ratio } = await weighCreates();
  return {
    title: `creates a second, of ${count(without)} without the column and its index`,
    measured: `${count(withFeed)}, × ${ratio.toFixed(2)}`,
    bound: "× 0.95 at least",
    kept: ratio >= 0.95,
  };
}

async function follow(size: number, watchers: number): Promise<readonly Figure[]> {
  return await withFixture(async ({ database, calls, publicKeyFile }) => {
    const organization = calls.book.organizationId;
    const headers = await calls.headersFor(organization);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await insertBook(client, organization, size);
    const server = await startContender("service", database, publicKeyFile);
    try {
      const baseUrl = `http://127.0.0.1:${server.port}`;
      // As most gRPC clients do by default.
      const transport = createGrpcTransport({ baseUrl, acceptCompression: [] });
      const partners = createClient(PartnerService, transport);
      // V8 compiles what a page runs through, and PostgreSQL has read the table, before what counts.
      await readByService(partners, headers, size / 10);
      await readByStatements(client, organization);
      const direct = await readByStatements(client, organization);
      const listed = await readByService(partners, headers);
      const watched = await readByWatch(partners, headers);
      for (const { partners: came } of [direct, listed, watched]) {
        if (came !== size) {
          throw new Error(`Of ${size} partners came ${came}.`);
        }
      }
      const page = await measurePages(
        ...([client, baseUrl, headers, organization, direct.places, listed.tokens] as const),
      );
      const pageRatio = page.serviceMs / page.statementMs;
      await server.stop();
      // By a process of its own: what has been read leaves the other one memory to be collected.
      const idle = await measureIdleWatchers();
      return [
        ...[
          { title: "ListPartnerChanges", seconds: listed.seconds },
          { title: "WatchPartnerChanges", seconds: watched.seconds },
        ].map(({ title, seconds }) => ({
          title: `a first synchronization by ${title}, partners a second, of ${count(size / direct.seconds)} by pg`,
          measured: `${count(size / seconds)}, × ${(direct.seconds / seconds).toFixed(2)}`,
          bound: "× 0.4 at least",
          kept: direct.seconds / seconds >= 0.4,
        })),
        {
          title: `a page of 1,000 changes, p50; its statement by pg takes ${page.statementMs.toFixed(1)} ms`,
          measured: `${page.serviceMs.toFixed(1)} ms, × ${pageRatio.toFixed(2)}`,
          bound: "× 2 at most",
          kept: pageRatio <= 2,
        },
        {
          title: `${count(watchers)} idle watchers, memory`,
          measured: `${idle.megabytes.toFixed(0)} MB`,
          bound: "100 MB at most",
          kept: idle.megabytes <= 100,
        },
        {
          title: `${count(watchers)} idle watchers, CPU`,
          measured: `${(idle.share * 100).toFixed(1)} % of a core`,
          bound: "3 % at most",
          kept: idle.share <= 0.03,
        },
      ];
    } finally {
      await client.end();
      await server.stop();
    }

    async function measureIdleWatchers(): Promise<WatcherCosts> {
      const settings = { MAX_STREAMS: String(watchers * 4) };
      const fresh = await startContender("service", database, publicKeyFile, { settings });
      try {
        return await measureWatchers(fresh, calls.headersFor, watchers);
      } finally {
        await fresh.stop();
      }
    }
  });
}

const count = (value: number) => Math.round(value).toLocaleString("en");

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        size: { type: "string", default: "1000000" },
        watchers: { type: "string", default: "1000" },
      },
    });
    const [size, watchers] = [Number(values.size), Number(values.watchers)];
    const areGood = Number.isInteger(size / 10_000) && size > 0 && watchers >= 1;
    return areGood && Number.isInteger(watchers) && watchers <= 16_000
      ? { size, watchers }
      : undefined;
  } catch {
    return undefined;
  }
}

const values = readArguments();
if (values === undefined) {
  console.error(`${usage}\n\n  PARTNERS is a multiple of 10,000.`);
  endWith(2);
} else {
  await main(values.size, values.watchers);
}
