import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createCalls } from "./calls.ts";
import { startDatabase } from "./database.ts";
import { endWith } from "./end-with.ts";
import type { EventLoopDelay } from "./event-loop-probe.ts";
import { runOpenLoad } from "./load/http1-load.ts";
import { median } from "./report/results.ts";
import type { ServerProcess } from "./server-process.ts";
import { startContender } from "./servers.ts";

const usage = "usage: npm run soak -- [--minutes M] [--rate CALLS_A_SECOND]";
const connections = 64;
/** The load before the first sample that counts: code is compiled, pools and heap have grown. */
const warmUpSeconds = 30;
const sampleSeconds = 2;
/** The share of the samples that makes the start, and the end. */
const edge = 0.2;

/** What is watched, with the growth from start to end that still counts as flat. */
const figures = {
  memory: { title: "resident memory", unit: "MB", allowed: { factor: 1.1, plus: 10 } },
  files: { title: "open handles", unit: "", allowed: { factor: 1, plus: 4 } },
  delay: { title: "event loop delay, p99", unit: "ms", allowed: { factor: 1.5, plus: 5 } },
} as const;

type Sample = Readonly<Record<keyof typeof figures, number>>;

/** Calls the service at a steady rate, and returns whether it ended as it began. */
async function soak(minutes: number, callsPerSecond: number): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), "partner-soak-"));
  const database = await startDatabase();
  try {
    const { publicKey, connect } = await createCalls();
    const publicKeyFile = join(directory, "public-key.pem");
    const probeFile = join(directory, "event-loop-delay.json");
    await writeFile(publicKeyFile, publicKey);
    const server = await startContender("service", database, publicKeyFile, {
      args: ["--import", new URL("./event-loop-probe.ts", import.meta.url).href],
      settings: { EVENT_LOOP_PROBE_FILE: probeFile },
    });
    try {
      const call = connect.create;
      const target = { url: `http://127.0.0.1:${server.port}${call.path}`, call };
      await runOpenLoad(target, connections, callsPerSecond, warmUpSeconds);
      const load = runOpenLoad(target, connections, callsPerSecond, minutes * 60);
      const samples = await sampleUntilDone(server, probeFile, load);
      const { calls, failures, p50Ms, p99Ms } = await load;
      console.log(
        `${calls} calls at ${callsPerSecond} a second, ${failures} failed; ` +
          `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms\n`,
      );
      return report(samples) && failures === 0;
    } finally {
      await server.stop();
    }
  } finally {
    await database.stop();
    await rm(directory, { recursive: true });
  }
}

async function sampleUntilDone(
  server: ServerProcess,
  probeFile: string,
  load: Promise<unknown>,
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (let done = false; !done; ) {
    const { now } = await server.memory();
    samples.push({
      memory: now / 1e6,
      files: await server.openFiles(),
      delay: (await readDelay(probeFile)).p99Ms,
    });
    done = await Promise.race([load.then(() => true), delay(sampleSeconds * 1000, false)]);
  }
  return samples;
}

async function readDelay(probeFile: string): Promise<EventLoopDelay> {
  // The probe writes the file, a small one, at once.
  return JSON.parse(await readFile(probeFile, "utf8")) as EventLoopDelay;
}

/** Prints how each figure began and ended, and returns whether all are flat. */
function report(samples: readonly Sample[]): boolean {
  const count = Math.max(1, Math.floor(samples.length * edge));
  console.log("| | start | end | |\n|---|---:|---:|---|");
  // The names are those of `figures`, which Object.keys does not know.
  const names = Object.keys(figures) as (keyof typeof figures)[];
  const flat = names.map((name) => {
    const { title, unit, allowed } = figures[name];
    const start = median(samples.slice(0, count).map((sample) => sample[name]));
    const end = median(samples.slice(-count).map((sample) => sample[name]));
    const isFlat = end <= start * allowed.factor + allowed.plus;
    const text = (value: number) => `${value.toFixed(1)} ${unit}`.trim();
    console.log(`| ${title} | ${text(start)} | ${text(end)} | ${isFlat ? "flat" : "GROWS"} |`);
    return isFlat;
  });
  return flat.every(Boolean);
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: "string", default: "5" },
        rate: { type: "string", default: "1000" },
      },
    });
    const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
    return minutes > 0 && rate > 0 ? { minutes, rate } : undefined;
  } catch {
    return undefined;
  }
}

const values = readArguments();
if (values === undefined) {
  console.error(usage);
  endWith(2);
} else if (!(await soak(values.minutes, values.rate))) {
  endWith(1);
}
