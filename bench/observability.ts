import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { freePort } from "../test/support/free-port.ts";
import { type Fixture, withFixture } from "./fixture.ts";
import { makeCalls, openCallers } from "./load/counted-load.ts";
import type { Part } from "./observability/edits.ts";
import { estimate } from "./report/estimate.ts";
import { writeSection } from "./report/performance-page.ts";
import { median } from "./report/results.ts";
import { startContender } from "./servers.ts";

// What the audit trail, metrics, and traces of one call in a hundred cost a create: CPU of the service by the
// call, of one process in which they are switched on and off in turn. Two processes differ by more than they cost,
// if they are set up alike, for V8 does not compile the same twice; and a turn is short, so that whatever the machine
// goes through meets all.

const rounds = 260;
const callers = 64;
const calls = { warmUp: 6_000, turn: 640 };
const scrapes = 50;
/** Of a caller whose trace is sampled, whatever the share is. */
const traceparent = `00-${"1".padStart(32, "0")}-${"1".padStart(16, "0")}-01`;

/** A collector that takes everything. */
const collector = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200).end());
});
await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
// A server that listens on a port has an address of this type.
const { port: collectorPort } = collector.address() as AddressInfo;
const settings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collectorPort}`,
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_TRACES_SAMPLER: "traceidratio",
  OTEL_TRACES_SAMPLER_ARG: "0.01",
};

interface Variant {
  readonly title: string;
  /** What it is compared with. */
  readonly than?: string;
  readonly parts: readonly Part[];
}

interface Setup {
  readonly starts: number;
  /** Whether the log, and the audit trail with it, go to who reads stdout; if not, the log to nobody. */
  readonly logIsRead: boolean;
  readonly variants: readonly Variant[];
}

const toFile: Setup = {
  starts: 6,
  logIsRead: false,
  variants: [
    { title: "all off", parts: [] },
    { title: "audit trail in a file", than: "all off", parts: ["audit"] },
    // What is found where there is nothing to find.
    { title: "all off, again", than: "all off", parts: [] },
    { title: "metrics", than: "all off", parts: ["metrics"] },
    { title: "metrics, and traces at 1 %", than: "metrics", parts: ["metrics", "traces"] },
  ],
};
const toReader: Setup = {
  starts: 4,
  logIsRead: true,
  variants: [
    { title: "all off, stdout read", parts: [] },
    { title: "audit trail on stdout", than: "all off, stdout read", parts: ["audit"] },
  ],
};

interface Measured {
  /** CPU by the call in each round, by title. */
  readonly micros: ReadonlyMap<string, readonly number[]>;
  readonly microsOfScrape: number;
}

const text = await withFixture(async (fixture) => {
  const rows: string[] = [];
  const microsOfScrapes: number[] = [];
  try {
    for (const setup of [toFile, toReader]) {
      const measured: Measured[] = [];
      for (let start = 0; start < setup.starts; start += 1) {
        measured.push(await measure(fixture, setup));
      }
      rows.push(...setup.variants.map((variant) => describe(variant, measured)));
      microsOfScrapes.push(...measured.map(({ microsOfScrape }) => microsOfScrape));
    }
    return [
      "| | CPU a create | |",
      "|---|---:|---|",
      ...rows,
      "",
      `A scrape of the metrics takes ${(median(microsOfScrapes) / 1000).toFixed(1)} ms.`,
      "",
    ].join("\n");
  } finally {
    collector.close();
    collector.closeAllConnections();
  }
});
console.log(text);
await writeSection("bench:observability", text);

/** Starts the service, and measures it in turn as each variant. */
async function measure(
  { database, directory, publicKeyFile, ...fixture }: Fixture,
  { logIsRead, variants }: Setup,
): Promise<Measured> {
  const [switchPort, metricsPort] = [await freePort(), await freePort()];
  const server = await startContender("service", database, publicKeyFile, {
    args: ["--import", "./bench/observability/switch.ts"],
    logIsRead,
    settings: {
      ...settings,
      AUDIT_LOG: logIsRead ? "stdout" : join(directory, "audit.log"),
      METRICS_PORT: String(metricsPort),
      SWITCH_PORT: String(switchPort),
    },
  });
  const call = fixture.calls.connect.create;
  const url = `http://127.0.0.1:${server.port}${call.path}`;
  const opened = await openCallers({ url, call }, callers);
  /** The CPU by the call. */
  const take = async ({ parts }: Variant, count: number) => {
    await get(`http://127.0.0.1:${switchPort}/${parts.join()}`);
    const before = await server.cpuMicros();
    await opened.makeCalls(count);
    return ((await server.cpuMicros()) - before) / count;
  };
  try {
    await database.reset(fixture.calls.book);
    // What one call in a hundred does V8 would compile in the course of the measurement.
    const sampled = { ...call, headers: { ...call.headers, traceparent } };
    await makeCalls({ url, call: sampled }, callers, calls.warmUp);
    for (const variant of variants) {
      await take(variant, calls.warmUp);
    }
    const micros = new Map(variants.map(({ title }): [string, number[]] => [title, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const variant of shuffle(variants)) {
        micros.get(variant.title)?.push(await take(variant, calls.turn));
      }
    }
    const before = await server.cpuMicros();
    for (let scrape = 0; scrape < scrapes; scrape += 1) {
      await get(`http://127.0.0.1:${metricsPort}/metrics`);
    }
    return { micros, microsOfScrape: ((await server.cpuMicros()) - before) / scrapes };
  } finally {
    opened.close();
    await server.stop();
  }
}

async function get(url: string): Promise<void> {
  const response = await fetch(url);
  await response.text();
  if (!response.ok) {
    throw new Error(`${url}: ${response.status}`);
  }
}

/** In another order each time, so that none always comes after the same one. */
function shuffle<T>(values: readonly T[]): readonly T[] {
  return values
    .map((value) => ({ value, place: Math.random() }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ value }) => value);
}

/** What is compared was measured in one round of one process. */
function describe({ title, than }: Variant, measured: readonly Measured[]): string {
  const micros = median(measured.flatMap((one) => one.micros.get(title) ?? []));
  if (than === undefined) {
    return `| ${title} | ${micros.toFixed(1)} µs | |`;
  }
  // Of what scatters alike, ratios lie further above 1 than below, and their logarithms do not.
  const logarithms = measured.flatMap((one) => {
    const base = one.micros.get(than) ?? [];
    const own = one.micros.get(title) ?? [];
    return own.map((micros, round) => Math.log(micros / (base[round] ?? Number.NaN)));
  });
  const { middle, least, most } = estimate(logarithms);
  const [ratio, ...range] = [middle, least, most].map((one) => Math.exp(one).toFixed(3));
  return `| ${title} | ${micros.toFixed(1)} µs | × ${ratio} of ${than} (${range.join(" to ")}) |`;
}
