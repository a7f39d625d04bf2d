import type { Orm } from "../database/orm.ts";
import { createStatement } from "../database/query.ts";
import { withRetries } from "../database/retries.ts";

/** A host and the organization that accepted its invitation. */
export interface Connection {
  readonly host: string;
  readonly guest: string;
}

/** Tells which organizations are connected. */
export interface Connections {
  /**
   * Whether the guest accepted an invitation of the host, and is a partner in its book still. It
   * costs one look into an index, in the rows of the host.
   *
   * @throws DatabaseUnavailableError
   */
  isConnected(connection: Connection, signal: AbortSignal): Promise<boolean>;
}

/** Rows of deleted partners name no guest. */
export const connectionSql = `select 1 from partner
  where organization_id = $1 and guest_organization_id = $2 limit 1`;

/** Makes the part of the repository that looks connections up. */
export function createConnections(orm: Orm): Connections {
  const findConnection = createStatement(orm, "find-connection", connectionSql);
  return {
    isConnected: ({ host, guest }, signal) =>
      withRetries(async () => (await findConnection([host, guest])).length > 0, signal),
  };
}
