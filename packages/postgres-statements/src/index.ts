/**
 * PostgreSQL, or PGlite in its place, behind one interface, with MikroORM's entities and migrations: statements
 * whose values are bound, whose waits have bounds, that calls share, and that are tried again.
 *
 * @module
 */
export type { ClockEvent } from "./clock.ts";
export {
  createInsertion,
  createSharing,
  distribute,
  hasCitus,
  isCitusWorker,
} from "./distribution.ts";
export {
  DatabaseError,
  DatabaseUnavailableError,
  describeFailure,
  failureClass,
  OverloadedError,
  UnusableDatabaseError,
} from "./failures.ts";
export { type Asker, createFairTurns } from "./fair-turns.ts";
export { formatInstant, formatIsoSecond, InstantType } from "./instant-type.ts";
export { createJoining, type JoinedCall, type JoiningLimits } from "./joining.ts";
export { logDatabase } from "./log-database.ts";
export { migrate, pendingMigrations } from "./migrator.ts";
export { createOrm, type DatabaseSettings, type Orm, ping } from "./orm.ts";
export type { DatabaseSchema } from "./orm-options.ts";
export {
  countConnections,
  createStatement,
  type PoolStats,
  query,
  type Row,
  rehearse,
  run,
  type Statement,
  type StatementEvent,
} from "./query.ts";
export {
  databasePatienceMs,
  retryInTurn,
  turnPatienceMs,
  waitForDatabase,
  withRetries,
} from "./retries.ts";
export { createRowMapping } from "./row-mapping.ts";
export { createTurns } from "./turns.ts";
export { createUuidV7Generator, uuidV5 } from "./uuids.ts";
