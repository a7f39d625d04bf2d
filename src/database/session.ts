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
