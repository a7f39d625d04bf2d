import { defineEntity, p } from "@mikro-orm/core";
import { type Orm, query } from "@partner-service/postgres-statements";

/**
 * Within what the changes of partners can be compared. They are ids of transactions, which a server counts
 * by itself: the epoch ends where its tables are brought to another one, or back to an earlier state.
 */
export const ChangeEpochEntity = defineEntity({
  name: "ChangeEpoch",
  tableName: "change_epoch",
  properties: { systemIdentifier: p.text().primary(), epoch: p.uuid() },
});

/**
 * Begins a new epoch where there is none of this server's, and answers whether it has. It is safe to
 * repeat, and takes as long as an update of the whole table where the database comes from a dump.
 *
 * @throws DatabaseUnavailableError
 * @throws DatabaseError
 */
export async function beginChangeEpoch(orm: Orm): Promise<boolean> {
  const [server] = await query(
    orm,
    `select system_identifier::text as id, pg_snapshot_xmax(pg_current_snapshot())::text as next,
      gen_random_uuid() as epoch from pg_control_system()`,
    [],
  );
  const found = await query(orm, "select 1 from change_epoch where system_identifier = $1", [
    server?.id,
  ]);
  if (found.length > 0) {
    return false;
  }
  // To the server's count they are changes to come, which nobody would be told of until then.
  await query(orm, "update partner set change = 0 where change >= $1", [server?.next]);
  await query(orm, "delete from partner_purge", []);
  await query(orm, "delete from change_epoch", []);
  await query(
    orm,
    `insert into change_epoch (system_identifier, epoch) values ($1, $2)
      on conflict do nothing`,
    [server?.id, server?.epoch],
  );
  return true;
}
