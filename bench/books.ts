import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import pg from "pg";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { createPageTokens } from "../src/rpcs/paging.ts";
import { weighIndexes } from "./books/indexes.ts";
import { loadBook } from "./books/load.ts";
import { measureBook } from "./books/measure.ts";
import { formatBooks } from "./books/table.ts";
import { createCalls } from "./calls.ts";
import { startDatabase } from "./database.ts";
import { endWith } from "./end-with.ts";
import { describeMachine } from "./report/machine.ts";
import { writeSection } from "./report/performance-page.ts";
import { startContender } from "./servers.ts";

const usage = `usage: npm run bench:books -- [--sizes 1000,100000] [--rounds N]

  --sizes are multiples of 100, the smallest first`;

/** Loads books of several sizes through the service, and times the lists of each. */
async function main(sizes: readonly number[], rounds: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "partner-books-"));
  const database = await startDatabase();
  const client = new pg.Client({ connectionString: database.url });
  try {
    await client.connect();
    const { publicKey, headers, book } = await createCalls();
    const organization = book.organizationId;
    const publicKeyFile = join(directory, "public-key.pem");
    await writeFile(publicKeyFile, publicKey);
    const server = await startContender("service", database, publicKeyFile);
    try {
      const baseUrl = `http://127.0.0.1:${server.port}`;
      const transport = createGrpcTransport({ baseUrl });
      const partners = createClient(PartnerService, transport);
      const books = [];
      let size = 0;
      for (const wanted of sizes) {
        const { seconds, callsAnswered } = await loadBook(partners, headers, size, wanted);
        console.error(`${wanted} partners: ${callsAnswered} batches in ${seconds.toFixed(1)} s`);
        size = wanted;
        await client.query("vacuum analyze partner");
        books.push({
          size,
          loadedPerSecond: (callsAnswered * 100) / seconds,
          lists: await measureBook(
            ...([baseUrl, partners, headers, client, organization] as const),
            ...([createPageTokens(database.url), rounds] as const),
          ),
          indexes: await weighIndexes(client, organization),
        });
      }
      const results = {
        measuredAt: new Date().toISOString(),
        machine: describeMachine({ postgres: database.settings.server_version }),
        rounds,
        books,
      };
      const text = formatBooks(results);
      console.log(text);
      await writeSection("bench:books", `${text}\n`);
      await mkdir("bench/results", { recursive: true });
      await writeFile("bench/results/books.json", `${JSON.stringify(results, null, 2)}\n`);
    } finally {
      await server.stop();
    }
  } finally {
    await client.end();
    await database.stop();
    await rm(directory, { recursive: true });
  }
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        sizes: { type: "string", default: "1000,100000,1000000" },
        rounds: { type: "string", default: "101" },
      },
    });
    const sizes = values.sizes.split(",").map(Number);
    const rounds = Number(values.rounds);
    const ascending = sizes.every(
      (size, index) => size > (sizes[index - 1] ?? 0) && size % 100 === 0,
    );
    return ascending && Number.isInteger(rounds) && rounds >= 1 ? { sizes, rounds } : undefined;
  } catch {
    return undefined;
  }
}

const values = readArguments();
if (values === undefined) {
  console.error(usage);
  endWith(2);
} else {
  await main(values.sizes, values.rounds);
}
