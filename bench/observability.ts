import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { withFixture } from "./fixture.ts";
import { type Http1Connection, openHttp1Connection } from "./load/http1-connection.ts";
import { connections } from "./phases/bench.ts";
import { writeSection } from "./report/performance-page.ts";
import { median } from "./report/results.ts";
import type { ServerProcess } from "./server-process.ts";
import { startContender } from "./servers.ts";

// What the audit trail, metrics, and traces of one call in a hundred cost a create: CPU of the service by the
// call, each in turn on one database, in so many short rounds that whatever the machine goes through meets all.

const warmUpCalls = 12_000;
const rounds = 200;
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
  /** Of CPU by the call, in each round. */
  readonly micros: number[];
}

const text = await withFixture(async ({ database, calls, directory, publicKeyFile }) => {
  const sides: Side[] = [];
  try {
    for (const variant of variants(directory)) {
      // Connections stay open while the others have their turns.
      const settings = { AUDIT_LOG: "off", IDLE_TIMEOUT_MS: "3600000", ...variant.settings };
      const server = await startContender("service", database, publicKeyFile, { settings });
      const target = { url: `http://127.0.0.1:${server.port}`, call: calls.connect.create };
      const opened = await Promise.all(
        Array.from({ length: connections }, () => openHttp1Connection(target)),
      );
      const side = { ...variant, server, opened, micros: [] };
      sides.push(side);
      await load(side, warmUpCalls);
    }
    await database.reset();
    for (let round = 0; round < rounds; round += 1) {
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        side.micros.push(await load(side, callsPerTurn));
      }
    }
    return describe(sides);
  } finally {
    await Promise.all(sides.map(({ server }) => server.stop()));
    collector.close();
    collector.closeAllConnections();
  }
});
console.log(text);
await writeSection("bench:observability", text);

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

/** The ratios are medians of the rounds' own, with where they lie by 95 of 100. */
function describe(sides: readonly Side[]): string {
  const rows = sides.map(({ title, than, micros }) => {
    const base = sides.find((side) => side.title === than)?.micros ?? [];
    const ratios = micros.map((one, round) => one / (base[round] ?? Number.NaN));
    const sorted = ratios.toSorted((one, other) => one - other);
    const middle = rounds / 2;
    const at = (index: number) => (sorted[Math.round(index)] ?? Number.NaN).toFixed(3);
    const range = `${at(middle - Math.sqrt(rounds))} to ${at(middle + Math.sqrt(rounds))}`;
    const ratio = than === undefined ? "" : `× ${at(middle)} of ${than} (${range})`;
    return `| ${title} | ${median(micros).toFixed(1)} µs | ${ratio} |`;
  });
  return ["| | CPU a create | |", "|---|---:|---|", ...rows, ""].join("\n");
}
