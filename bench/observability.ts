import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Fixture, withFixture } from "./fixture.ts";
import { type Http1Connection, openHttp1Connection } from "./load/http1-connection.ts";
import { connections } from "./phases/bench.ts";
import { writeSection } from "./report/performance-page.ts";
import { median } from "./report/results.ts";
import type { ServerProcess } from "./server-process.ts";
import { startContender } from "./servers.ts";

// What the audit trail, metrics, and traces of one call in a hundred cost a create: CPU of the service by the
// call, each in turn on one database, in so many short rounds that whatever the machine goes through meets all.
// How V8 compiles the service differs from one process to the next by more than what is measured: each is
// started several times, and in another place each time.

const starts = 4;
/** Before a start, and once more when all are there: by then what is told has been handed on once. */
const warmUpCalls = 25_000;
const rounds = 32;
const callsPerTurn = 320;

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
  // By how much a ratio may be wrong.
  { title: "all off, again", than: "all off", settings: {} },
  {
    title: "audit trail in a file",
    than: "all off",
    settings: { AUDIT_LOG: join(directory, "audit.log") },
  },
  { title: "metrics", than: "all off", settings: metrics },
  { title: "metrics, and traces at 1 %", than: "metrics", settings: { ...metrics, ...traces } },
];

interface Side extends Variant {
  readonly server: ServerProcess;
  readonly opened: readonly Http1Connection[];
}

/** CPU by the call in each round, by title. */
type Micros = ReadonlyMap<string, number[]>;

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
  const micros = new Map<string, number[]>(order.map(({ title }) => [title, []]));
  const sides: Side[] = [];
  try {
    for (const variant of order) {
      // Connections stay open while the others have their turns.
      const settings = { AUDIT_LOG: "off", IDLE_TIMEOUT_MS: "3600000", ...variant.settings };
      const server = await startContender("service", database, publicKeyFile, { settings });
      const target = { url: `http://127.0.0.1:${server.port}`, call: calls.connect.create };
      const opened = await Promise.all(
        Array.from({ length: connections }, () => openHttp1Connection(target)),
      );
      const side = { ...variant, server, opened };
      sides.push(side);
      await load(side, warmUpCalls);
    }
    for (const side of sides) {
      await load(side, warmUpCalls);
    }
    await database.reset();
    for (let round = 0; round < rounds; round += 1) {
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        micros.get(side.title)?.push(await load(side, callsPerTurn));
      }
    }
    return micros;
  } finally {
    await Promise.all(sides.map(({ server }) => server.stop()));
  }
}

/** Makes so many calls, and answers how much CPU each took of the server. */
async function load({ server, opened }: Side, number: number): Promise<number> {
  let left = number;
  const before = await server.cpuMicros();
  await Promise.all(
    opened.map(async (connection) => {
      while (left > 0) {
        left -= 1;
        const status = await connection.call();
        if (status !== 200) {
          throw new Error(`A call was answered with ${status}.`);
        }
      }
    }),
  );
  return ((await server.cpuMicros()) - before) / number;
}

/** The ratios are medians of the rounds' own; the range is that of the starts. */
function describe(all: readonly Variant[], measured: readonly Micros[]): string {
  const rows = all.map(({ title, than }) => {
    const ratios = measured.map((micros) => {
      const base = micros.get(than ?? title) ?? [];
      return (micros.get(title) ?? []).map((one, round) => one / (base[round] ?? Number.NaN));
    });
    const middles = ratios.map(median).toSorted((one, other) => one - other);
    const range = [middles.at(0), middles.at(-1)].map((one) => one?.toFixed(3)).join(" to ");
    const ratio = `× ${median(ratios.flat()).toFixed(3)} of ${than} (${range})`;
    const micros = median(measured.flatMap((one) => one.get(title) ?? []));
    return `| ${title} | ${micros.toFixed(1)} µs | ${than === undefined ? "" : ratio} |`;
  });
  return ["| | CPU a create | |", "|---|---:|---|", ...rows, ""].join("\n");
}
