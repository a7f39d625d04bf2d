import { parseArgs } from "node:util";
import {
  distribute,
  hasCitus,
  isCitusWorker,
  migrate,
  pendingMigrations,
} from "@partner-service/postgres-statements";
import { runCommand, StartError } from "@partner-service/settings";
import { beginChangeEpoch } from "../src/changes/change-epoch.ts";
import { readConfig } from "../src/config/config.ts";
import { openDatabase, whenDatabaseAnswers } from "../src/database/open-database.ts";
import { createSearchIndex } from "../src/database/search-index.ts";

/**
 * Applies the migrations that the database of the settings lacks, and says which; with --distribute it
 * then has Citus spread the tables, and with --with search it makes the index for texts.
 */
async function main(): Promise<void> {
  const { isDistributing, isSearched } = readArguments();
  const config = readConfig(process.env);
  // A migration takes as long as it needs.
  const orm = await openDatabase(config, { statementTimeoutMs: 0 });
  try {
    const wait = <T>(attempt: () => Promise<T>) =>
      whenDatabaseAnswers(attempt, config, (reason) =>
        console.error(`waiting for the database: ${reason}`),
      );
    if (await wait(() => isCitusWorker(orm))) {
      throw new StartError(
        "DATABASE_URL leads to a worker of Citus: migrate by way of the coordinator.",
      );
    }
    const pending = await wait(() => pendingMigrations(orm));
    await wait(() => migrate(orm));
    for (const name of pending) {
      console.log(`applied ${name}`);
    }
    console.log(pending.length === 0 ? "nothing to apply" : "done");
    if (await wait(() => beginChangeEpoch(orm))) {
      console.log("began a new epoch of changes: whoever follows a book begins anew");
    }
    if (isDistributing && !(await wait(() => hasCitus(orm)))) {
      throw new StartError(
        "--distribute needs Citus in the database of DATABASE_URL: create extension citus, on each machine.",
      );
    }
    for (const line of isDistributing ? await wait(() => distribute(orm, "organization_id")) : []) {
      console.log(line);
    }
    if (isSearched) {
      console.log(await wait(() => createSearchIndex(orm)));
    }
  } finally {
    await orm.close(true);
  }
}

function readArguments() {
  const usage = "The migration takes no arguments but --distribute and --with search.";
  const options = { distribute: { type: "boolean" }, with: { type: "string" } } as const;
  try {
    const { values } = parseArgs({ options });
    if (values.with === undefined || values.with === "search") {
      return { isDistributing: values.distribute === true, isSearched: values.with !== undefined };
    }
  } catch (cause) {
    throw new StartError(usage, { cause });
  }
  throw new StartError(usage);
}

await runCommand(main);
