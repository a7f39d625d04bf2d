import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCalls } from "./calls.ts";
import { startDatabase } from "./database.ts";
import { findGenerators } from "./load/generators.ts";
import { connections } from "./phases/bench.ts";
import { type CpuProfile, sharesBetween } from "./profile/shares.ts";
import { replaceSection } from "./report/readme.ts";
import { startContender } from "./servers.ts";

/** V8 compiles the service's code to its last form within some ten thousand calls. */
const warmUpSeconds = 20;
const loadSeconds = 15;

/** Profiles the service from its start to full load, and says where the CPU time goes. */
async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "partner-profile-"));
  const database = await startDatabase();
  try {
    const { publicKey, connect } = await createCalls();
    const publicKeyFile = join(directory, "public-key.pem");
    await writeFile(publicKeyFile, publicKey);
    const startedAt = performance.now();
    const server = await startContender("service", database, publicKeyFile, {
      args: ["--cpu-prof", `--cpu-prof-dir=${directory}`],
      settings: {},
    });
    const readyAfter = (performance.now() - startedAt) / 1000;
    const { http1 } = await findGenerators();
    const call = connect.create;
    const target = { url: `http://127.0.0.1:${server.port}${call.path}`, call };
    await http1(target, connections, warmUpSeconds);
    const loadedFrom = (performance.now() - startedAt) / 1000;
    await http1(target, connections, loadSeconds);
    const loadedTo = (performance.now() - startedAt) / 1000;
    await server.stop();
    const profile = await readProfile(directory);
    const text = formatShares(profile, readyAfter, loadedFrom, loadedTo);
    console.log(text);
    await replaceSection("bench:profile", text);
  } finally {
    await database.stop();
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

function formatShares(
  profile: CpuProfile,
  readyAfter: number,
  loadedFrom: number,
  loadedTo: number,
): string {
  const start = sharesBetween(profile, 0, readyAfter);
  const load = sharesBetween(profile, loadedFrom, loadedTo);
  const rows = load.map(({ title, share }, index) => ({
    title,
    share,
    atStart: start[index]?.share,
  }));
  return [
    "| CPU time of the service's main thread | CreatePartner under full load | start |",
    "|---|---:|---:|",
    ...rows
      .toSorted((a, b) => b.share - a.share)
      .map(
        ({ title, share, atStart = 0 }) => `| ${title} | ${percent(share)} | ${percent(atStart)} |`,
      ),
    "",
  ].join("\n");
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

await main();
