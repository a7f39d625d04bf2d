import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Fixture, withFixture } from "./fixture.ts";
import { measureInTurn } from "./in-turn.ts";
import { estimate } from "./report/estimate.ts";
import { writeSection } from "./report/performance-page.ts";
import { median } from "./report/results.ts";
import type { ServerProcess } from "./server-process.ts";
import { startContender } from "./servers.ts";

// What the audit trail, metrics, and traces of one call in a hundred cost a create: CPU of the service by the
// call, of processes on one database that are loaded in turn, so that whatever the machine goes through meets
// all. Two processes that are set up alike differ all the same: all are started several times, and in another
// order each time.

const starts = 7;
/** Before the first round V8 has compiled nearly all of what calls run. */
const turns = { rounds: 3, seconds: 2, warmUpSeconds: 10 };

/**
 * While the others have their turns, a process has no call in flight. V8's memory reducer takes that time for a
 * major collection, by which most of what is compiled for the objects that calls have is thrown away.
 */
const flags = ["--no-memory-reducer"];

/** A collector that takes everything. */
const collector = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200).end());
});
await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
// A server that listens on a port has an address of this type.
const { port } = collector.address() as AddressInfo;
const metrics = {
  METRICS_PORT: "0",
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  OTEL_METRIC_EXPORT_INTERVAL: "5000",
  OTEL_TRACES_EXPORTER: "none",
};
const traces = {
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_TRACES_SAMPLER: "traceidratio",
  OTEL_TRACES_SAMPLER_ARG: "0.01",
};

interface Variant {
  readonly title: string;
  /** What it is compared with. */
  readonly than?: string;
  readonly settings: Readonly<Record<string, string>>;
}

const variants = (directory: string): Variant[] => [
  { title: "all off", settings: {} },
  // What is found where there is nothing to find.
  { title: "all off, again", than: "all off", settings: {} },
  {
    title: "audit trail in a file",
    than: "all off",
    settings: { AUDIT_LOG: join(directory, "audit.log") },
  },
  { title: "metrics", than: "all off", settings: metrics },
  { title: "metrics, and traces at 1 %", than: "metrics", settings: { ...metrics, ...traces } },
];

/** CPU by the call in each round of one start, by title. */
type Micros = ReadonlyMap<string, readonly number[]>;

const text = await withFixture(async (fixture) => {
  const all = variants(fixture.directory);
  const measured: Micros[] = [];
  try {
    for (let start = 0; start < starts; start += 1) {
      const first = start % all.length;
      measured.push(await measure([...all.slice(first), ...all.slice(0, first)], fixture));
    }
    return describe(all, measured);
  } finally {
    collector.close();
    collector.closeAllConnections();
  }
});
console.log(text);
await writeSection("bench:observability", text);

/** Starts all, and measures them in turn. */
async function measure(
  order: readonly Variant[],
  { database, calls, publicKeyFile }: Fixture,
): Promise<Micros> {
  const servers: ServerProcess[] = [];
  try {
    for (const variant of order) {
      const settings = { AUDIT_LOG: "off", ...variant.settings };
      const extra = { args: flags, settings };
      servers.push(await startContender("service", database, publicKeyFile, extra));
    }
    const sides = servers.map((server) => ({ server, database }));
    const rounds = await measureInTurn("create", sides, calls, turns);
    const ofSide = (side: number) => rounds.map((micros) => micros[side] ?? Number.NaN);
    return new Map(order.map(({ title }, side) => [title, ofSide(side)]));
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** Of a start counts the median of its rounds, which leaves out one that the machine has disturbed. */
function describe(all: readonly Variant[], measured: readonly Micros[]): string {
  const rows = all.map(({ title, than }) => {
    const micros = median(measured.map((one) => median(one.get(title) ?? [])));
    if (than === undefined) {
      return `| ${title} | ${micros.toFixed(1)} µs | |`;
    }
    const ratios = measured.map((one) => {
      const base = one.get(than) ?? [];
      return median((one.get(title) ?? []).map((own, round) => own / (base[round] ?? Number.NaN)));
    });
    const { middle, least, most } = estimate(ratios);
    const [ratio, ...range] = [middle, least, most].map((one) => one.toFixed(3));
    return `| ${title} | ${micros.toFixed(1)} µs | × ${ratio} of ${than} (${range.join(" to ")}) |`;
  });
  return ["| | CPU a create | |", "|---|---:|---|", ...rows, ""].join("\n");
}
