/**
 * What the reading and writing of values rests on, set for each session, whatever the server, the
 * database or the role has for it: how instants are written (DateStyle, IntervalStyle, TimeZone), how
 * texts travel (client_encoding, standard_conforming_strings, bytea_output), what a null equals, and
 * what a statement sees of others (default_transaction_isolation, default_transaction_deferrable).
 *
 * It is a statement and no parameter of the connection, because poolers refuse parameters that they do
 * not know. What is not here is the operator's to set: whether commits wait for the disk, whether the
 * database takes writes, where the tables lie (search_path), how long a statement waits for a lock.
 */
const session = {
  DateStyle: "ISO, YMD",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  client_encoding: "UTF8",
  standard_conforming_strings: "on",
  bytea_output: "hex",
  transform_null_equals: "off",
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
};

/** The statement that begins a session. */
export const sessionSql = `select ${Object.entries(session)
  .map(([name, value]) => `set_config('${name}', '${value}', false)`)
  .join(", ")}`;

/** What a session must have where it cannot be set, as the server tells it; the rest does no harm. */
const needed: Readonly<Record<string, RegExp>> = {
  DateStyle: /^ISO/,
  client_encoding: /^UTF8$/,
  standard_conforming_strings: /^on$/,
  transform_null_equals: /^off$/,
  default_transaction_isolation: /^read committed$/,
  default_transaction_deferrable: /^off$/,
};

/** What is told of a session that begins, once for each setting. */
export interface SessionRow {
  readonly name: string;
  readonly setting: string;
  /** Whether the server itself is at the other end, and no pooler. */
  readonly direct: boolean;
  readonly readOnly: string;
  readonly timeoutMs: string;
  readonly databaseMs: string;
}

/**
 * The statements that begin a session on PostgreSQL; the last one tells. A pooler gives a client other
 * connections as it likes, on which nothing of what is set would be found, or it would be found by
 * others: there, nothing is set, and what is there is told. A pooler is known by the process that it
 * has told the client of, which is not the server's.
 *
 * A search of a large book would by itself keep three of the server's cores busy, those from which others'
 * statements have their time. It gets one, unless somebody has chosen otherwise.
 */
export function beginSessionSql(processId: number, statementTimeoutMs: number): string {
  const direct = `pg_backend_pid() = ${processId}`;
  const values = Object.entries(session).map(([name, value]) => `('${name}', '${value}')`);
  // By itself and first: the role's own may be too short for all the others.
  return `select set_config('statement_timeout', '${statementTimeoutMs}', false) where ${direct};
    select set_config(name, '0', false) from pg_settings
      where name = 'max_parallel_workers_per_gather' and source = 'default' and ${direct};
    select name, ${direct} as direct, current_setting('transaction_read_only') as "readOnly",
    case when ${direct} then set_config(name, value, false) else current_setting(name) end as setting,
    extract(epoch from current_setting('statement_timeout')::interval) * 1000 as "timeoutMs",
    extract(epoch from clock_timestamp()) * 1000 as "databaseMs"
    from (values ${values.join(", ")}) as wanted (name, value)`;
}

/** What keeps the service from working behind a pooler, as one line; undefined where nothing does. */
export function findPoolerProblem(
  rows: readonly SessionRow[],
  statementTimeoutMs: number,
): string | undefined {
  const [first] = rows;
  if (first === undefined || first.direct) {
    return undefined;
  }
  const settings: Readonly<Record<string, string>> = session;
  const repairs = rows
    .filter(({ name, setting }) => needed[name]?.test(setting) === false)
    .map(({ name }) => `set ${name} = '${settings[name]}'`);
  const timeoutMs = Number(first.timeoutMs);
  if (statementTimeoutMs !== 0 && !(timeoutMs > 0 && timeoutMs <= statementTimeoutMs)) {
    repairs.unshift(`set statement_timeout = '${statementTimeoutMs}ms'`);
  }
  return repairs.length === 0
    ? undefined
    : "DATABASE_URL leads to a pooler, on which settings of a session are not kept: give them to the " +
        `role, with ${repairs.map((repair) => `alter role … ${repair}`).join("; ")}; and have the ` +
        "pooler connect anew.";
}
