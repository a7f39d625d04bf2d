import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createCalls } from "./calls.ts";
import { startDatabase } from "./database.ts";
import { type DearRequest, dearRequests } from "./dear/requests.ts";
import { createSender } from "./dear/sender.ts";
import { endWith } from "./end-with.ts";
import { openHttp1Connection } from "./load/http1-connection.ts";
import { percentile } from "./load/load.ts";
import { writeSection } from "./report/performance-page.ts";
import type { ServerProcess } from "./server-process.ts";
import { startContender } from "./servers.ts";

/** /proc counts CPU in hundredths of a second: each request is repeated for several of them. */
const turnMs = 1500;
/** What a request may cost, in creates: of anybody, and of a caller with a good token. */
const bounds = { stranger: 20, caller: 200 };

interface Cost {
  readonly cpuMicros: number;
  /** How long a get of another caller took meanwhile, at the 99th of 100. */
  readonly waitMs: number;
}

/**
 * Measures what requests cost that are cheap to send, as a multiple of what a create costs, and how long
 * another caller's gets take meanwhile. Returns whether all keep the bounds.
 */
async function main(): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), "partner-dear-"));
  const database = await startDatabase();
  try {
    const calls = await createCalls();
    await database.reset(calls.book);
    const publicKeyFile = join(directory, "public-key.pem");
    await writeFile(publicKeyFile, calls.publicKey);
    const server = await startContender("service", database, publicKeyFile);
    const sender = createSender(server.port);
    const { create, get } = calls.connect;
    const gets = await openHttp1Connection({
      url: `http://127.0.0.1:${server.port}${get.path}`,
      call: get,
    });

    const getMicros = await measureGets(gets, server);

    /** Sends a request again and again, and a get in between now and then. */
    async function costOf(request: DearRequest): Promise<Cost> {
      const waits: number[] = [];
      let over = false;
      const probe = async () => {
        while (!over) {
          const start = performance.now();
          await gets.call();
          waits.push(performance.now() - start);
          await delay(10);
        }
      };
      await sender.send(request);
      const before = await server.cpuMicros();
      const probing = probe();
      const end = performance.now() + turnMs;
      let sent = 0;
      for (; sent === 0 || performance.now() < end; sent += 1) {
        await sender.send(request);
      }
      over = true;
      await probing;
      const used = (await server.cpuMicros()) - before - waits.length * getMicros;
      return { cpuMicros: Math.max(0, used) / sent, waitMs: percentile(waits, 0.99) };
    }

    try {
      const plain: DearRequest = { ...create, title: "", authorized: true, version: "HTTP/1.1" };
      // Code is compiled and the heap has grown before the first that counts.
      await costOf(plain);
      await costOf(plain);
      const unit = await costOf(plain);
      const rows: string[] = [];
      let kept = true;
      for (const request of dearRequests(calls)) {
        const cost = await costOf(request);
        const { rows: asked = 0, questions = 1 } = request;
        const creates = cost.cpuMicros / unit.cpuMicros / questions;
        const times = creates - asked;
        const bound = request.authorized ? bounds.caller : bounds.stranger;
        kept &&= times <= bound;
        rows.push(
          `| ${request.title} | ${request.authorized ? "yes" : "no"} | ${request.body.length} | ` +
            `${creates.toFixed(1)} | ${cost.waitMs.toFixed(1)} ms |` +
            `${times <= bound ? "" : " OVER"}`,
        );
      }
      const text = [
        "| one request after the other | token | bytes | CPU, in creates | a get meanwhile, p99 |",
        "|---|---|---:|---:|---:|",
        ...rows,
        "",
        `A create, one after the other, took ${unit.cpuMicros.toFixed(0)} µs of CPU, and a get meanwhile ` +
          `${unit.waitMs.toFixed(1)} ms. The bounds: ${bounds.stranger} creates without a token, ` +
          `${bounds.caller} with one, beside the rows that are asked for (one create each).`,
      ].join("\n");
      console.log(text);
      await writeSection("bench:dear", text);
      return kept;
    } finally {
      gets.close();
      sender.close();
      await server.stop();
    }
  } finally {
    await database.stop();
    await rm(directory, { recursive: true });
  }
}

/** What one of the gets costs that are made meanwhile. */
async function measureGets(
  gets: Awaited<ReturnType<typeof openHttp1Connection>>,
  server: ServerProcess,
): Promise<number> {
  const count = 2000;
  const before = await server.cpuMicros();
  for (let index = 0; index < count; index += 1) {
    await gets.call();
  }
  return ((await server.cpuMicros()) - before) / count;
}

if (!(await main())) {
  endWith(1);
}
