import { readConfig } from "../src/config.ts";
import { waitForDatabase } from "../src/database/wait.ts";
import { openDatabase, prepareDatabase } from "../src/open-database.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { runCommand } from "../src/start-error.ts";

/** Forgets the partners that were deleted before DELETED_RETENTION, as the service does when it is idle. */
await runCommand(async () => {
  const config = readConfig(process.env);
  const tell = (reason: string) => console.error(`waiting for the database: ${reason}`);
  const ended = new AbortController();
  process.once("SIGTERM", () => ended.abort()).once("SIGINT", () => ended.abort());
  const orm = await openDatabase(config);
  try {
    await prepareDatabase(orm, config, tell);
    const partners = createPartnerRepository(orm);
    const purge = () => partners.purge(config.deletedRetentionDays, ended.signal);
    let removed = 0;
    for (let last = 1; last > 0 && !ended.signal.aborted; removed += last) {
      last = await waitForDatabase(purge, config.databaseWaitMs, tell);
    }
    console.log(`forgot ${removed} deleted partners`);
  } finally {
    await orm.close(true);
  }
});
