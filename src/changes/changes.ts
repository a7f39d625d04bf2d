import type { Orm } from "@partner-service/postgres-statements";
import { createChangeFeed } from "./change-feed.ts";
import { createChangeWatch } from "./change-watch.ts";

/** What tells of the changes of books, page by page or as they come. */
export type Changes = ReturnType<typeof createChanges>;

export function createChanges(orm: Orm) {
  const feed = createChangeFeed(orm);
  return { ...feed, ...createChangeWatch(orm, feed) };
}
