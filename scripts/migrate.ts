import { readConfig } from "../src/config.ts";
import { createOrm, migrate, pendingMigrations } from "../src/database/orm.ts";
import { runCommand } from "../src/run-command.ts";
import { schema } from "../src/schema.ts";

/** Applies the migrations that the database of the settings lacks, and says which. */
async function main(): Promise<void> {
  const { databaseUrl, dataDirectory } = readConfig(process.env);
  const orm = await createOrm(
    databaseUrl === undefined
      ? { dataDirectory: `${dataDirectory}/database` }
      : // A migration takes as long as it needs.
        { databaseUrl, statementTimeoutMs: 0 },
    schema,
  );
  try {
    const pending = await pendingMigrations(orm);
    await migrate(orm);
    for (const name of pending) {
      console.log(`applied ${name}`);
    }
    console.log(pending.length === 0 ? "nothing to apply" : "done");
  } finally {
    await orm.close(true);
  }
}

await runCommand(main);
