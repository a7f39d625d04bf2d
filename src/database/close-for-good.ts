import type { Connection, MikroORM } from "@mikro-orm/core";
import { closedMessage } from "./failures.ts";

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
