import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, startDatabase } from "./database.ts";
import { runProgram } from "./load/programs.ts";
import { readStartArguments } from "./servers.ts";

/** The service as it was at a commit, with its own packages. */
export interface Checkout {
  readonly directory: string;
  readonly startArguments: readonly string[];
  /** Starts a PostgreSQL with the tables of that commit. */
  startDatabase(): Promise<Database>;
}

/** Lends the checkout of a commit, in a folder of its own that is taken away in the end. */
export async function withCheckout<Result>(
  commit: string,
  use: (checkout: Checkout) => Promise<Result>,
): Promise<Result> {
  const parent = await mkdtemp(join(tmpdir(), "partner-checkout-"));
  const directory = join(parent, "checkout");
  await runProgram("git", ["worktree", "add", "--detach", directory, commit]);
  try {
    // Its own packages and the versions that it was made with are a part of what it was.
    await runProgram("npm", [
      ...["ci", "--prefix", directory, "--omit=dev", "--ignore-scripts"],
      ...["--prefer-offline", "--no-audit", "--no-fund"],
    ]);
    // npm's own format, of which the start script is what is read.
    const packageJson = JSON.parse(
      await readFile(join(directory, "package.json"), "utf8"),
    ) as Parameters<typeof readStartArguments>[0];
    return await use({
      directory,
      startArguments: readStartArguments(packageJson),
      startDatabase: () => startDatabase((url) => migrateIn(directory, url)),
    });
  } finally {
    await runProgram("git", ["worktree", "remove", "--force", directory]);
    await rm(parent, { recursive: true });
  }
}

async function migrateIn(directory: string, url: string): Promise<void> {
  const script = join(directory, "scripts/migrate.ts");
  await runProgram(process.execPath, [script], { DATABASE_URL: url, LOG_LEVEL: "silent" });
}
