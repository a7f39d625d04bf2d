import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Fixture, withFixture } from "./fixture.ts";
import { freePort } from "./free-port.ts";
import { measureInTurn } from "./in-turn.ts";
import type { Part } from "./observability/edits.ts";
import { estimate } from "./report/estimate.ts";
import { writeSection } from "./report/performance-page.ts";
import { median } from "./report/results.ts";
import { startContender } from "./servers.ts";

// What the audit trail, metrics, and traces of one call in a hundred cost a create: CPU of the service by the
// call, of one process in which they are switched on and off in turn. Two processes differ by more than they cost,
// if they are set up alike, for V8 does not compile the same twice.

const starts = 3;
const turns = { rounds: 30, seconds: 1, warmUpSeconds: 3 };

/** A collector that takes everything. */
const collector = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200).end());
});
await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
// A server that listens on a port has an address of this type.
const { port: collectorPort } = collector.address() as AddressInfo;
const settings = {
  METRICS_PORT: "0",
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collectorPort}`,
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_TRACES_SAMPLER: "traceidratio",
  OTEL_TRACES_SAMPLER_ARG: "0.01",
  // Within the turn in which the spans were made.
  OTEL_BSP_SCHEDULE_DELAY: "250",
};

interface Variant {
  readonly title: string;
  /** What it is compared with. */
  readonly than?: string;
  readonly parts: readonly Part[];
}

const variants: readonly Variant[] = [
  { title: "all off", parts: [] },
  { title: "audit trail in a file", than: "all off", parts: ["audit"] },
  // What is found where there is nothing to find.
  { title: "all off, again", than: "all off", parts: [] },
  { title: "metrics", than: "all off", parts: ["metrics"] },
  { title: "metrics, and traces at 1 %", than: "metrics", parts: ["metrics", "traces"] },
];

/** CPU by the call in each round, by title. */
type Micros = ReadonlyMap<string, readonly number[]>;

const text = await withFixture(async (fixture) => {
  const measured: Micros[] = [];
  try {
    for (let start = 0; start < starts; start += 1) {
      measured.push(await measure(fixture));
    }
    return describe(measured);
  } finally {
    collector.close();
    collector.closeAllConnections();
  }
});
console.log(text);
await writeSection("bench:observability", text);

/** Starts the service, and measures it in turn as each variant. */
async function measure({ database, calls, directory, publicKeyFile }: Fixture): Promise<Micros> {
  const switchPort = await freePort();
  const server = await startContender("service", database, publicKeyFile, {
    args: ["--import", "./bench/observability/switch.ts"],
    settings: {
      ...settings,
      AUDIT_LOG: join(directory, "audit.log"),
      SWITCH_PORT: String(switchPort),
    },
  });
  const switchTo = async (parts: readonly Part[]) => {
    const { ok } = await fetch(`http://127.0.0.1:${switchPort}/${parts.join()}`);
    if (!ok) {
      throw new Error("The parts are not switched.");
    }
  };
  try {
    const sides = variants.map(({ parts }) => ({ server, database, enter: () => switchTo(parts) }));
    const rounds = await measureInTurn("create", sides, calls, turns);
    const ofSide = (side: number) => rounds.map((micros) => micros[side] ?? Number.NaN);
    return new Map(variants.map(({ title }, side) => [title, ofSide(side)]));
  } finally {
    await server.stop();
  }
}

/** What is compared was measured in one round of one process. */
function describe(measured: readonly Micros[]): string {
  const rows = variants.map(({ title, than }) => {
    const micros = median(measured.flatMap((one) => one.get(title) ?? []));
    if (than === undefined) {
      return `| ${title} | ${micros.toFixed(1)} µs | |`;
    }
    const ratios = measured.flatMap((one) => {
      const base = one.get(than) ?? [];
      return (one.get(title) ?? []).map((own, round) => own / (base[round] ?? Number.NaN));
    });
    const { middle, least, most } = estimate(ratios);
    const [ratio, ...range] = [middle, least, most].map((one) => one.toFixed(3));
    return `| ${title} | ${micros.toFixed(1)} µs | × ${ratio} of ${than} (${range.join(" to ")}) |`;
  });
  return ["| | CPU a create | |", "|---|---:|---|", ...rows, ""].join("\n");
}
