import { withFixture } from "./fixture.ts";
import { type Http1Connection, openHttp1Connection } from "./load/http1-connection.ts";
import type { Target } from "./load/load.ts";
import { connections } from "./phases/bench.ts";
import { writeSections } from "./report/performance-page.ts";
import { median } from "./report/results.ts";
import type { ServerProcess } from "./server-process.ts";
import { startContender } from "./servers.ts";

// What it costs that one process accepts for all (PROCESSES, by Node's cluster), or that each listens by itself
// (REUSE_PORT beside it): CPU of all processes by the call, on connections that are kept and on a new one for
// each call, each in turn on one database, in short rounds that whatever the machine goes through meets all.

const warmUpCalls = 6_000;
const rounds = 60;
const callsPerTurn = 320;

const variants = {
  cluster: { PROCESSES: "2" },
  reusePort: { PROCESSES: "2", REUSE_PORT: "on" },
};

interface Side {
  readonly server: ServerProcess;
  readonly target: Target;
  readonly kept: readonly Http1Connection[];
}

/** Makes so many calls, and answers how much CPU each took of the server. */
async function load({ server, target, kept }: Side, isKept: boolean, number: number) {
  let left = number;
  const before = await server.cpuMicros();
  await Promise.all(
    kept.map(async (connection) => {
      while (left > 0) {
        left -= 1;
        const chosen = isKept ? connection : await openHttp1Connection(target);
        const status = await chosen.call();
        if (status !== 200) {
          throw new Error(`A call was answered with ${status}.`);
        }
        if (!isKept) {
          chosen.close();
        }
      }
    }),
  );
  return ((await server.cpuMicros()) - before) / number;
}

const rows = await withFixture(async ({ database, calls, publicKeyFile }) => {
  await database.reset(calls.book);
  const start = async (settings: Readonly<Record<string, string>>): Promise<Side> => {
    const server = await startContender("service", database, publicKeyFile, {
      settings: { ...settings, AUDIT_LOG: "off", IDLE_TIMEOUT_MS: "3600000" },
    });
    const call = calls.connect.get;
    const target = { url: `http://127.0.0.1:${server.port}${call.path}`, call };
    const opening = Array.from({ length: connections }, () => openHttp1Connection(target));
    return { server, target, kept: await Promise.all(opening) };
  };
  const [cluster, reusePort] = [await start(variants.cluster), await start(variants.reusePort)];
  try {
    const lines: string[] = [];
    for (const isKept of [true, false]) {
      const measured: { cluster: number; reusePort: number }[] = [];
      for (const side of [cluster, reusePort]) {
        await load(side, isKept, warmUpCalls);
      }
      for (let round = 0; round < rounds; round += 1) {
        const first = await load(round % 2 === 0 ? cluster : reusePort, isKept, callsPerTurn);
        const second = await load(round % 2 === 0 ? reusePort : cluster, isKept, callsPerTurn);
        const [one, other] = round % 2 === 0 ? [first, second] : [second, first];
        measured.push({ cluster: one, reusePort: other });
      }
      const micros = (side: keyof typeof variants) => median(measured.map((each) => each[side]));
      const ratio = median(measured.map((each) => each.cluster / each.reusePort));
      lines.push(
        `| ${isKept ? "kept" : "a new one for each call"} | ${micros("cluster").toFixed(0)} µs | ` +
          `${micros("reusePort").toFixed(0)} µs | × ${ratio.toFixed(2)} |`,
      );
    }
    return lines;
  } finally {
    await Promise.all([cluster, reusePort].map(({ server }) => server.stop()));
  }
});
const text = [
  "| GetPartner, on connections that are | one process accepts for both | each listens by itself | |",
  "|---|---:|---:|---:|",
  ...rows,
].join("\n");
console.log(text);
await writeSections("bench:processes", "docs/scaling.md", { "bench:processes": text });
