import { setTimeout as delay } from "node:timers/promises";
import { StartError } from "../start-error.ts";
import { DatabaseError, DatabaseUnavailableError } from "./failures.ts";

const pauseMs = 250;
const tellEveryMs = 5000;

/**
 * Does something with a database that may not be there yet: what fails because it is not is tried
 * again until the time is over.
 *
 * @param tell hears why it waits, at once and then every five seconds
 * @throws StartError when the time is over, and at once when the database will not have the service
 */
export async function waitForDatabase<T>(
  attempt: () => Promise<T>,
  waitMs: number,
  tell: (reason: string) => void | Promise<void>,
): Promise<T> {
  const deadline = performance.now() + waitMs;
  let nextTellAt = 0;
  for (;;) {
    try {
      return await attempt();
    } catch (failure) {
      const refusal = describeRefusal(failure);
      if (refusal !== undefined) {
        throw new StartError(refusal, { cause: failure });
      }
      if (!(failure instanceof DatabaseUnavailableError)) {
        throw failure;
      }
      const reason = describeFailure(failure.cause);
      const now = performance.now();
      if (now >= nextTellAt) {
        nextTellAt = now + tellEveryMs;
        await tell(reason);
      }
      if (now >= deadline) {
        throw new StartError(
          `The database of DATABASE_URL does not answer, after ${waitMs} ms (DATABASE_WAIT_MS): ${reason}`,
          { cause: failure },
        );
      }
      await delay(Math.min(pauseMs, deadline - now));
    }
  }
}

/** Why a database will not have the service however long it waits; undefined where it may yet. */
function describeRefusal(failure: unknown): string | undefined {
  if (failure instanceof DatabaseError) {
    const { sqlState, message } = failure;
    return sqlState === "42501"
      ? `The role of DATABASE_URL lacks a right in the database: ${message}`
      : `The database of DATABASE_URL refuses: ${message}`;
  }
  const error = failure instanceof DatabaseUnavailableError ? failure.cause : failure;
  if (error instanceof StartError) {
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
