import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Calls, createCalls } from "./calls.ts";
import { contenders, isServed, targetOf } from "./contenders.ts";
import { type Database, startDatabase } from "./database.ts";
import { findGenerators } from "./load/generators.ts";
import { callersOf, prepareTable } from "./phases/bench.ts";
import { type CpuProfile, timesBetween } from "./profile/parts.ts";
import { writeSection } from "./report/performance-page.ts";
import { startContender } from "./servers.ts";

/** V8 compiles the service's code to its last form within some ten thousand calls. */
const warmUpSeconds = 20;
const loadSeconds = 15;

/** Where the time of a server's main thread went. */
interface ServerProfile {
  /** In microseconds, by part, until it was ready. */
  readonly start: ReadonlyMap<string, number>;
  /** In microseconds for each call under full load, by part. */
  readonly call: ReadonlyMap<string, number>;
}

/** The contenders whose calls are profiled, and what the table calls these; the first one's start is, too. */
const profiled = {
  service: "a create by this service",
  "fastify-bare": "by its bound",
  "fastify-rest": "by Fastify by hand",
  "service-get": "a get by this service",
  "fastify-rest-get": "by Fastify by hand",
  "service-list": "a list of 20 by this service",
  "fastify-rest-list": "by Fastify by hand",
  "service-batch": "a batch of 100 by this service",
} as const;

/** Profiles calls under full load, one kind after the other, and the service's start. */
async function main(): Promise<void> {
  const database = await startDatabase();
  try {
    const calls = await createCalls();
    const profiles: ServerProfile[] = [];
    for (const id of Object.keys(profiled)) {
      profiles.push(await profileContender(id, database, calls));
    }
    const text = formatProfiles(profiles);
    console.log(text);
    await writeSection("bench:profile", text);
  } finally {
    await database.stop();
  }
}

async function profileContender(
  id: string,
  database: Database,
  calls: Calls,
): Promise<ServerProfile> {
  const contender = contenders.filter(isServed).find((one) => one.id === id);
  if (contender === undefined) {
    throw new Error(`There is no contender ${id}.`);
  }
  const directory = await mkdtemp(join(tmpdir(), "partner-profile-"));
  try {
    const publicKeyFile = join(directory, "public-key.pem");
    await writeFile(publicKeyFile, calls.publicKey);
    await prepareTable(contender, { database, calls });
    const startedAt = performance.now();
    const secondsSinceStart = () => (performance.now() - startedAt) / 1000;
    const server = await startContender(contender.server, database, publicKeyFile, {
      args: ["--cpu-prof", `--cpu-prof-dir=${directory}`],
    });
    const readyAfter = secondsSinceStart();
    const { http1 } = await findGenerators();
    const target = targetOf(contender, server, calls);
    await http1(target, callersOf(contender), warmUpSeconds);
    const loadedFrom = secondsSinceStart();
    const load = await http1(target, callersOf(contender), loadSeconds);
    const loadedTo = secondsSinceStart();
    await server.stop();
    const profile = await readProfile(directory);
    const underLoad = timesBetween(profile, loadedFrom, loadedTo);
    return {
      start: timesBetween(profile, 0, readyAfter),
      call: new Map([...underLoad].map(([part, time]) => [part, time / load.calls])),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function readProfile(directory: string): Promise<CpuProfile> {
  const [name] = (await readdir(directory)).filter((file) => file.endsWith(".cpuprofile"));
  if (name === undefined) {
    throw new Error("Node wrote no profile.");
  }
  // Node's own format, of which CpuProfile is the part that is read.
  return JSON.parse(await readFile(join(directory, name), "utf8")) as CpuProfile;
}

function formatProfiles(profiles: readonly ServerProfile[]): string {
  const start = profiles[0]?.start ?? new Map<string, number>();
  const row = (title: string, timeIn: (times: ServerProfile["call"]) => number) => {
    const micros = profiles.map(({ call }) => `${timeIn(call).toFixed(1)} µs`);
    return `| ${title} | ${micros.join(" | ")} | ${(timeIn(start) / 1000).toFixed(0)} ms |`;
  };
  const parts = [...(profiles[0]?.call ?? [])].toSorted(([, a], [, b]) => b - a);
  const titles = [...Object.values(profiled), "this service's start"];
  return [
    `| CPU time of the main thread | ${titles.join(" | ")} |`,
    `|---|${titles.map(() => "---:|").join("")}`,
    ...parts.map(([part]) => row(part, (times) => times.get(part) ?? 0)),
    row("all", (times) => [...times.values()].reduce((sum, time) => sum + time, 0)),
    "",
  ].join("\n");
}

await main();
