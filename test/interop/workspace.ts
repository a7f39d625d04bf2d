import { execFile, execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { copyCheckout } from "../support/checkout.ts";
import { builds, type Client } from "./clients.ts";

const execFileAsync = promisify(execFile);

/** Where the examples are built. Git ignores the folder; its cache makes a second run short. */
const root = resolve(".interop");
const cache = join(root, "cache");
const contract = join(root, "proto");

/** What building an example in its own folder, as its README says, leaves there. */
const leftovers = ["proto", "gen", "bin", "target", ".venv", "node_modules", "__pycache__"];
/** What finds out whether there are packages to be had. */
const registries = {
  npm: "npm ping",
  pip: `python3 -m pip download --quiet --no-deps --dest "${join(cache, "pip")}" pip`,
  go: "go list -m connectrpc.com/connect@latest",
} as const;

/** Exports the contract for the copies, from a copy: what an export writes others read meanwhile. */
export function exportContract(): void {
  rmSync(contract, { recursive: true, force: true });
  const checkout = emptyFolder("contract-checkout");
  copyCheckout(checkout);
  execFileSync(process.execPath, ["scripts/export-protos.ts", contract], { cwd: checkout });
}

/** Copies an example afresh, and returns the copy's path. The example's own folder stays as it is. */
export function copyExample(folder: string): string {
  const copy = join(root, "examples", folder);
  rmSync(copy, { recursive: true, force: true });
  cpSync(join("examples", folder), copy, {
    recursive: true,
    filter: (path) => !leftovers.includes(basename(path)),
  });
  return copy;
}

const built = new Map<string, Promise<string>>();

/** Builds a client in a copy of its example with the contract, and returns the copy's path. */
export async function buildClient({ folder, build = "" }: Client, signal: AbortSignal) {
  const building = built.get(folder) ?? buildExample(folder, signal);
  built.set(folder, building);
  const copy = await building;
  await runCommands(build, copy, {}, signal);
  return copy;
}

async function buildExample(folder: string, signal: AbortSignal): Promise<string> {
  const copy = copyExample(folder);
  cpSync(contract, join(copy, "proto"), { recursive: true });
  await runCommands(builds[folder] ?? "", copy, {}, signal);
  return copy;
}

/** An empty folder of this name. */
export function emptyFolder(name: string): string {
  const folder = join(root, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Runs shell commands in a folder and returns what they printed on stdout. `$CACHE` is a folder
 * that outlives the run. Rejects with all that was printed when they fail or are aborted.
 */
export async function runCommands(
  commands: string,
  folder: string,
  settings: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  mkdirSync(cache, { recursive: true });
  const { stdout } = await execFileAsync("sh", ["-euc", commands], {
    cwd: folder,
    env: { ...process.env, ...settings, CACHE: cache },
    maxBuffer: 16 * 1024 * 1024,
    signal,
  });
  // Maven resets the terminal's color, terminal or not.
  return stripVTControlCharacters(stdout);
}

/** What to add to a test's name that cannot run here. */
export function reasonToSkip(
  commands: readonly string[],
  registry?: keyof typeof registries,
): string {
  const missing = missingCommands(commands);
  if (missing.length > 0) {
    return ` – SKIPPED, not installed: ${missing.join(", ")}`;
  }
  const isReachable =
    registry === undefined ||
    spawnSync("sh", ["-c", registries[registry]], { timeout: 20_000 }).status === 0;
  return isReachable ? "" : ` – SKIPPED, its packages cannot be had: ${registry}`;
}

/** Those of the commands that this machine does not have. */
function missingCommands(commands: readonly string[]): readonly string[] {
  return commands.filter(
    (command) => spawnSync("sh", ["-c", 'command -v "$0"', command]).status !== 0,
  );
}
