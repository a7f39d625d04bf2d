import type { Pool } from "pg";

/** Whom to have end which statement: never another one, should the process number be another server's. */
const cancelSql = `select pg_cancel_backend(pid) from pg_stat_activity
  where pid = $1 and state = 'active' and query <> '' and starts_with($2, query)`;

/**
 * Has the server end a statement when the signal aborts. Where that fails, or a pooler keeps the process
 * number to itself, the statement's own time limit ends it.
 *
 * @returns what is to be called when the statement has ended; its answer comes once no cancellation is
 *   under way that might hit the connection's next statement.
 */
export function cancelWhenAborted(
  pool: Pool,
  processId: number | null | undefined,
  text: string,
  signal: AbortSignal,
): () => Promise<unknown> {
  let cancelled: Promise<unknown> = Promise.resolve();
  const cancel = () => {
    cancelled = pool.query(cancelSql, [processId, text]).catch(() => undefined);
  };
  signal.addEventListener("abort", cancel);
  return () => {
    signal.removeEventListener("abort", cancel);
    return cancelled;
  };
}
