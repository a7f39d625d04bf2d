import type { EntitySchema, Options } from "@mikro-orm/core";
import { Migrator } from "@mikro-orm/migrations";

/** What a database holds, which the database itself knows nothing about. */
export interface DatabaseSchema {
  readonly entities: readonly EntitySchema[];
  /**
   * Oldest first. The names are those under which databases remember what has been applied: an entry
   * never changes, and new ones come last.
   */
  readonly migrations: readonly Migration[];
}

type Migration = Exclude<
  NonNullable<NonNullable<Options["migrations"]>["migrationsList"]>[number],
  (...parameters: never) => unknown
>;

/** What both engines have in common. */
export function ormOptions({ entities, migrations }: DatabaseSchema) {
  return {
    entities: [...entities],
    extensions: [Migrator],
    metadataCache: { enabled: false },
    ensureDatabase: false,
    // Its log would show parameters: personal data.
    debug: false,
    migrations: {
      migrationsList: [...migrations],
      // A transaction for each migration: one for all would nest them in savepoints.
      allOrNothing: false,
      disableForeignKeys: false,
      snapshot: false,
      silent: true,
    },
  } satisfies Partial<Options>;
}
