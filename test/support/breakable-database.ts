import { createPostgresDatabase, type TestDatabase } from "./databases.ts";
import { createTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** A PostgreSQL database that can be taken away, and brought back. */
export interface BreakableDatabase extends TestDatabase {
  readonly proxy: TcpProxy;
}

export async function createBreakableDatabase(): Promise<BreakableDatabase> {
  const database = await createPostgresDatabase();
  const proxy = await createTcpProxy(database.settings.databaseUrl);
  const close = async () => {
    await proxy.close();
    await database.close();
  };
  return {
    settings: { databaseUrl: proxy.url },
    proxy,
    close,
    [Symbol.asyncDispose]: close,
  };
}
