import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCalls } from "./calls.ts";
import { type Contender, contenders, isServed } from "./contenders.ts";
import { startDatabase } from "./database.ts";
import { endWith } from "./end-with.ts";
import { findGenerators } from "./load/generators.ts";
import { type Options, readOptions, usage } from "./options.ts";
import { type Bench, say, serverOf } from "./phases/bench.ts";
import { measureAtRate, measureOneCaller } from "./phases/latency.ts";
import { measureMemory } from "./phases/memory.ts";
import { measureStart } from "./phases/start.ts";
import { measureThroughput } from "./phases/throughput.ts";
import { keepResults } from "./report/keep.ts";
import { describeMachine } from "./report/machine.ts";
import type { Results } from "./report/results.ts";
import { formatResults } from "./report/table.ts";
import type { ServerProcess } from "./server-process.ts";
import { type ServerName, startContender } from "./servers.ts";

/** Whose calls are timed: the service's, those of what it is held against, and of its bound. */
const timedIds = ["service", "fastify-rest", "fastify-bare", "service-get", "fastify-rest-get"];

/** Measures the service and its peers in turn, on one database, and prints one table. */
async function main(options: Options): Promise<void> {
  const generators = await findGenerators();
  const { wrk, h2load, pgbench } = generators.versions;
  const chosen = contenders.filter(({ id }) => options.only.includes(id));
  const present = chosen.filter(({ load }) => load !== "sql" || pgbench !== undefined);
  if (present.length < chosen.length) {
    say("pgbench is not installed: PostgreSQL itself is SKIPPED.");
  }
  if (wrk === undefined || h2load === undefined) {
    say("wrk or h2load is not installed: the bench's own generator takes its place.");
  }
  const directory = await mkdtemp(join(tmpdir(), "partner-bench-"));
  const database = await startDatabase();
  try {
    const calls = await createCalls();
    const publicKeyFile = join(directory, "public-key.pem");
    await writeFile(publicKeyFile, calls.publicKey);
    const bench = { options, calls, publicKeyFile, database, generators };
    const results = await measure(bench, present);
    console.log(`\n${formatResults(results)}`);
    if (options.only.length === contenders.length) {
      await keepResults(results);
      say("written to bench/results and docs/performance.md");
    }
  } finally {
    await database.stop();
    await rm(directory, { recursive: true });
  }
}

async function measure(bench: Bench, present: readonly Contender[]): Promise<Results> {
  const { options, database, generators } = bench;
  const start = await measureStart(bench);
  const served = present.filter(isServed);
  const servers = new Map<ServerName, ServerProcess>();
  try {
    for (const { server } of served) {
      if (!servers.has(server)) {
        servers.set(server, await startContender(server, database, bench.publicKeyFile));
      }
    }
    const { throughput, steadiness } = await measureThroughput(bench, present, servers);
    const timed = served.filter(({ id }) => timedIds.includes(id));
    const oneCaller = await measureOneCaller(bench, timed, servers);
    const service = served.find(({ id }) => id === "service");
    const server = service && serverOf(service, servers);
    return {
      measuredAt: new Date().toISOString(),
      machine: describeMachine({
        postgres: database.settings.server_version,
        ...database.settings,
        ...generators.versions,
      }),
      rounds: options.rounds,
      seconds: options.seconds,
      warmUpSeconds: options.warmUpSeconds,
      throughput,
      oneCaller,
      atRate: await measureAtRate(
        bench,
        timed.filter(({ operation }) => operation === "create"),
        servers,
      ),
      steadiness,
      memory: service && server && (await measureMemory(bench, service, server)),
      start,
    };
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
}

const options = readOptions();
if (options === undefined) {
  console.error(usage);
  endWith(2);
} else {
  await main(options);
}
