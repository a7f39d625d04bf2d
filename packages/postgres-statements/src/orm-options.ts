import type { Connection, EntitySchema, MikroORM, Options } from "@mikro-orm/core";
import { Migrator } from "@mikro-orm/migrations";
import { closedMessage } from "./failures.ts";

/** What a database holds, which the database itself knows nothing about. */
export interface DatabaseSchema {
  /** What the server tells connections by. */
  readonly applicationName: string;
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

/** What is used here of MikroORM, on any engine. */
interface ClosableOrm extends Pick<MikroORM, "close"> {
  readonly driver: { getConnection(): Pick<Connection, "connect"> };
}

/**
 * Makes closing the ORM close the native client too, which MikroORM leaves open as long as no
 * statement has gone through MikroORM itself, and keeps it closed: with the next statement MikroORM
 * would make another pool, which nobody closes, or enter a data directory without its lock.
 */
export function closeForGood(orm: ClosableOrm, closeNativeClient: () => Promise<void>): void {
  const close = orm.close.bind(orm);
  orm.close = async (force) => {
    orm.driver.getConnection().connect = async () => {
      throw new Error(closedMessage);
    };
    await close(force);
    await closeNativeClient();
  };
}
