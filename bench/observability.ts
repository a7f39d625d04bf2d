import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Fixture, withFixture } from "./fixture.ts";
import { type Http1Connection, openHttp1Connection } from "./load/http1-connection.ts";
import { connections } from "./phases/bench.ts";
import { estimate } from "./report/estimate.ts";
import { writeSection } from "./report/performance-page.ts";
import { median } from "./report/results.ts";
import type { ServerProcess } from "./server-process.ts";
import { startContender } from "./servers.ts";

// What the audit trail, metrics, and traces of one call in a hundred cost a create: CPU of the service by the
// call, of processes on one database that have short turns from their first call on, so that whatever the
// machine goes through meets all, and none is older than another. Two processes that are set up alike differ
// all the same: all are started many times, and in another order each time.

const starts = 15;
const callsPerTurn = 320;
/** Meanwhile V8 compiles what calls run, and what is told is handed on for the first time. */
const warmUpTurns = 64;
const turns = 24;

/**
 * While the others have their turns, a process has no call in flight. Were a major collection to fall into that
 * time, V8 would throw away what it has compiled for the objects that calls have, and compile it anew. The
 * memory reducer, which takes that time for a collection, has no regard for what is to be retained.
 */
const flags = ["--retain-maps-for-n-gc=1000000", "--no-memory-reducer"];

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

interface Side extends Variant {
  readonly server: ServerProcess;
  readonly opened: readonly Http1Connection[];
}

/** CPU by the call in each turn of one start, by title. */
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
      const server = await startContender("service", database, publicKeyFile, {
        args: flags,
        settings,
      });
      const target = { url: `http://127.0.0.1:${server.port}`, call: calls.connect.create };
      const opened = await Promise.all(
        Array.from({ length: connections }, () => openHttp1Connection(target)),
      );
      const side = { ...variant, server, opened };
      sides.push(side);
      // A connection without a call would be closed.
      await load(side);
    }
    await database.reset();
    for (let turn = 0; turn < warmUpTurns + turns; turn += 1) {
      for (const side of turn % 2 === 0 ? sides : sides.toReversed()) {
        const taken = await load(side);
        if (turn >= warmUpTurns) {
          micros.get(side.title)?.push(taken);
        }
      }
    }
    return micros;
  } finally {
    await Promise.all(sides.map(({ server }) => server.stop()));
  }
}

/** Makes the calls of a turn, and answers how much CPU each took of the server. */
async function load({ server, opened }: Side): Promise<number> {
  let left = callsPerTurn;
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
  return ((await server.cpuMicros()) - before) / callsPerTurn;
}

/** Of a start counts the median of its turns, which leaves out those that a major collection falls into. */
function describe(all: readonly Variant[], measured: readonly Micros[]): string {
  const rows = all.map(({ title, than }) => {
    const micros = median(measured.map((one) => median(one.get(title) ?? [])));
    if (than === undefined) {
      return `| ${title} | ${micros.toFixed(1)} µs | |`;
    }
    const ratios = measured.map((one) => {
      const base = one.get(than) ?? [];
      return median((one.get(title) ?? []).map((own, turn) => own / (base[turn] ?? Number.NaN)));
    });
    const { middle, least, most } = estimate(ratios);
    const [ratio, ...range] = [middle, least, most].map((one) => one.toFixed(3));
    return `| ${title} | ${micros.toFixed(1)} µs | × ${ratio} of ${than} (${range.join(" to ")}) |`;
  });
  return ["| | CPU a create | |", "|---|---:|---|", ...rows, ""].join("\n");
}
