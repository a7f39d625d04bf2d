/**
 * The database cannot answer for the moment: it is away, starting, overloaded or read-only, or it
 * gave up on a conflict. Nothing is wrong with the statement.
 */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
  /** Whether the same statement may well succeed if it is tried again at once. */
  readonly passing: boolean;

  constructor(passing: boolean, cause: unknown) {
    super("The database is unavailable.", { cause });
    this.passing = passing;
  }
}

/**
 * The database refused a statement: a constraint is violated, the statement is wrong.
 *
 * It takes the place of the driver's error, which quotes the row or the parameters in its message,
 * `detail`, `where` or `params`: personal data, which must not reach a log.
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  /** The five characters of the SQLSTATE (PostgreSQL documentation, appendix A). */
  readonly sqlState: string;
  /** The constraint that the statement violates. */
  readonly constraint: string | undefined;

  /** Whether it is for the values: a data exception (22), or an integrity constraint (23). */
  get isOfValues(): boolean {
    return /^2[23]/.test(this.sqlState);
  }

  constructor(sqlState: string, { message, constraint, stack }: DriverError) {
    // Only data exceptions quote values in the message itself.
    super(`${sqlState}: ${sqlState.startsWith("22") ? "data exception" : firstLine(message)}`);
    this.sqlState = sqlState;
    // Citus tells it in the message alone, and by the name that it has on a shard: with a number behind.
    const told = constraint ?? / constraint "([^"]+)"/.exec(message)?.[1];
    this.constraint = told?.replace(/_\d+$/, "");
    const frames = stack?.match(/^ {4}at .*$/gm)?.join("\n");
    if (frames !== undefined) {
      this.stack = `${this.name}: ${this.message}\n${frames}`;
    }
  }
}

/** So much is waiting already that no more is taken. Nothing has been done. */
export class OverloadedError extends Error {
  override readonly name = "OverloadedError";

  constructor() {
    super("Too many calls are waiting.");
  }
}

/**
 * The database cannot be used as it is: somebody has to mend it, its URL or its role first. The message is
 * one line that says what, and holds no secret.
 */
export class UnusableDatabaseError extends Error {
  override readonly name = "UnusableDatabaseError";
}

/** What an error of pg, PGlite, Node's net or MikroORM (which copies theirs) may carry. */
type DriverError = Error & { readonly code?: unknown; readonly constraint?: string | undefined };

/**
 * Turns what a driver throws into a DatabaseUnavailableError or a DatabaseError. What no database
 * has to do with comes back as it is.
 */
export function toDatabaseFailure(failure: unknown): unknown {
  if (!(failure instanceof Error) || failure instanceof DatabaseUnavailableError) {
    return failure;
  }
  const error: DriverError = failure;
  const code = typeof error.code === "string" ? error.code : "";
  const connectionFailure = passingByConnection(code, error.message);
  if (connectionFailure !== undefined) {
    return new DatabaseUnavailableError(connectionFailure, error);
  }
  if (!sqlState.test(code)) {
    return failure;
  }
  if (passingStates.test(code)) {
    return new DatabaseUnavailableError(true, error);
  }
  if (lastingStates.test(code)) {
    return new DatabaseUnavailableError(false, error);
  }
  return new DatabaseError(code, error);
}

/**
 * Conflicts that the server resolves by failing one side (40001, 40P01), results lost on the way
 * (40003), connection exceptions (08), and a server that stops or starts (57P01, 57P02, 57P03).
 */
const passingStates = /^(40001|40P01|40003|08...|57P0[123])$/;

/**
 * Too little of something: connections, disk, memory (53); the statement timeout (57014), a
 * read-only server, such as a primary that has become a standby (25006), and I/O errors (58030); a
 * server that turns the service away, whose password, name or rule it does not accept any more (28),
 * or whose database it does not have (3D000).
 */
const lastingStates = /^(53...|57014|25006|58030|28...|3D000)$/;

const passingCodes = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ECONNABORTED"]);
const lastingCodes = new Set([
  ...["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN"],
  ...["ENOTFOUND", "EAI_AGAIN"],
]);

/** The message of a statement that comes after the ORM was closed. */
export const closedMessage = "The database is closed.";

/** pg and PGlite report these by message alone. */
const passingMessages = new Set([
  "Connection terminated",
  "Connection terminated unexpectedly",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
]);
const lastingMessages = new Set([
  "Connection terminated due to connection timeout",
  "timeout expired",
  // The pool is exhausted.
  "timeout exceeded when trying to connect",
  "Query read timeout",
  // The service is stopping.
  "Cannot use a pool after calling end on the pool",
  closedMessage,
  "PGlite is closed",
  "PGlite is closing",
]);

/** Whether a connection failure is a passing one; undefined when it is no connection failure. */
function passingByConnection(code: string, message: string): boolean | undefined {
  if (passingCodes.has(code) || passingMessages.has(message)) {
    return true;
  }
  return lastingCodes.has(code) || lastingMessages.has(message) ? false : undefined;
}

/** MikroORM appends the server's detail and hint, which quote the row, as further lines. */
function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

/** The class of the SQLSTATE (PostgreSQL documentation, appendix A), or what else there is to tell. */
export function failureClass(failure: unknown): string {
  if (failure instanceof DatabaseError) {
    return failure.sqlState.slice(0, 2);
  }
  if (failure instanceof DatabaseUnavailableError) {
    const code = failure.cause instanceof Error && "code" in failure.cause && failure.cause.code;
    return typeof code === "string" && sqlState.test(code) ? code.slice(0, 2) : "connection";
  }
  return "other";
}

/** Each SQLSTATE holds a digit, none of Node's codes of five letters (EROFS) does. */
const sqlState = /^(?=.*\d)[0-9A-Z]{5}$/;

/** Why a database will not have the service however long it waits; undefined where it may yet. */
export function describeRefusal(failure: unknown): string | undefined {
  if (failure instanceof DatabaseError) {
    const { sqlState, message } = failure;
    return sqlState === "42501"
      ? `The role of DATABASE_URL lacks a right in the database: ${message}`
      : `The database of DATABASE_URL refuses: ${message}`;
  }
  const error = failure instanceof DatabaseUnavailableError ? failure.cause : failure;
  if (error instanceof UnusableDatabaseError) {
    return error.message;
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code.startsWith("28")) {
    return `The server does not accept the role or the password of DATABASE_URL: ${describeFailure(error)}`;
  }
  if (code === "3D000") {
    return `The server has no such database as DATABASE_URL names: create it. ${describeFailure(error)}`;
  }
  if (code === "08P01") {
    // A pooler's word for a parameter that it does not know.
    return `The server of DATABASE_URL does not take the service's connections: ${describeFailure(error)}`;
  }
  return error instanceof Error && tlsFailure.test(`${code} ${error.message}`)
    ? `The server of DATABASE_URL and its sslmode do not agree on TLS: ${describeFailure(error)}`
    : undefined;
}

/** Node's and OpenSSL's codes of certificates and handshakes, and what pg says of a server without TLS. */
const tlsFailure =
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)| does not support SSL/;

/** What the driver says, in one line; of a host with several addresses it tells of each. */
export function describeFailure(failure: unknown): string {
  const failures: readonly unknown[] =
    failure instanceof AggregateError ? failure.errors : [failure];
  return failures
    .map((one) => (one instanceof Error ? (one.message.split("\n", 1)[0] ?? "") : ""))
    .join(", ");
}
