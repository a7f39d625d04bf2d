import { runCommand } from "@partner-service/settings";
import { readConfig } from "../src/config/config.ts";
import {
  openDatabase,
  prepareDatabase,
  whenDatabaseAnswers,
} from "../src/database/open-database.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";

/**
 * Forgets the partners that were deleted before DELETED_RETENTION, as the service does when it is idle. It
 * may be ended at any time: what is left is removed the next time.
 */
await runCommand(async () => {
  const config = readConfig(process.env);
  const tell = (reason: string) => console.error(`waiting for the database: ${reason}`);
  const { signal } = new AbortController();
  const orm = await openDatabase(config);
  try {
    await prepareDatabase(orm, config, tell);
    const partners = createPartnerRepository(orm);
    const purge = () => partners.purge(config.deletedRetentionDays, signal);
    let removed = 0;
    for (let last = 1; last > 0; removed += last) {
      last = await whenDatabaseAnswers(purge, config, tell);
    }
    console.log(`forgot ${removed} deleted partners`);
  } finally {
    await orm.close(true);
  }
});
