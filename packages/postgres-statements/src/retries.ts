import { channel } from "node:diagnostics_channel";
import { setTimeout as delay } from "node:timers/promises";
import {
  DatabaseUnavailableError,
  describeFailure,
  describeRefusal,
  OverloadedError,
  toDatabaseFailure,
  UnusableDatabaseError,
} from "./failures.ts";
import type { Asker } from "./fair-turns.ts";
import type { Orm } from "./orm.ts";

/**
 * How long a call waits for the database, whatever for: its turn, a connection, an answer. A
 * statement that takes longer is ended.
 */
export const databasePatienceMs = 3000;

/** How much of it may go by in waiting for others' statements; the rest is for its own. */
export const turnPatienceMs = 2000;

/** Tells of each further try, and of what the last one failed with: `{ failure: unknown }`. */
const retried = channel("postgres-statements.retry");

/** The longest waits before the second and each further try, in milliseconds. */
const waits = [50, 100, 200, 400];

/**
 * Runs a database operation, and again a few times, for a second at most, while it fails for a
 * passing reason: a conflict with another one, or a lost connection. The operation must be safe to
 * repeat even where a try that failed has done its work.
 *
 * @param signal ends the waiting when it aborts, with its reason.
 * @throws DatabaseUnavailableError when the database stays away, or does not answer in time; what
 *   is under way may be done all the same, as with a connection that is lost.
 */
export function withRetries<T>(operation: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => {
      reject(
        new DatabaseUnavailableError(false, new Error("The database has not answered in time.")),
      );
    }, databasePatienceMs);
    const deadline = performance.now() + databasePatienceMs;
    tryUntil(deadline, operation, signal).then(
      (outcome) => {
        clearTimeout(patience);
        resolve(outcome);
      },
      (failure: unknown) => {
        clearTimeout(patience);
        reject(failure);
      },
    );
  });
}

/**
 * Runs a database operation as `withRetries` does, each try in its asker's turn. It is for statements that no
 * others share.
 *
 * @throws OverloadedError where others' statements leave no turn for it for too long.
 */
export function retryInTurn<T>(orm: Orm, asker: Asker, operation: () => Promise<T>): Promise<T> {
  return withRetries(() => orm.inTurn(asker, operation), asker.signal);
}

/** Nobody waits any more for a try that would begin after the deadline. */
async function tryUntil<T>(
  deadline: number,
  operation: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let lastFailure: unknown;
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return await operation();
    } catch (error) {
      const failure = toDatabaseFailure(error);
      const wait = waits[tries];
      if (failure instanceof OverloadedError && lastFailure !== undefined) {
        // It says that nothing has been done, which may not hold for the try before.
        throw lastFailure;
      }
      lastFailure = failure;
      const passing = failure instanceof DatabaseUnavailableError && failure.passing;
      if (!passing || wait === undefined || performance.now() + wait > deadline) {
        throw failure;
      }
      retried.publish({ failure });
      await pause(wait, signal);
    }
  }
}

/** Waits for half of the time up to the whole, so that those who failed together return apart. */
async function pause(longestMs: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(longestMs * (1 - Math.random() / 2), undefined, { signal });
  } catch {
    // The reason is the signal's own; delay wraps it.
    signal.throwIfAborted();
  }
}

const pauseMs = 250;
const tellEveryMs = 5000;

/**
 * Does something with a database that may not be there yet: what fails because it is not is tried
 * again until the time is over.
 *
 * @param tell hears why it waits, at once and then every five seconds
 * @throws UnusableDatabaseError when the time is over, and at once when the database will not have the service
 */
export async function waitForDatabase<T>(
  attempt: () => Promise<T>,
  waitMs: number,
  tell: (reason: string) => void,
): Promise<T> {
  const deadline = performance.now() + waitMs;
  let nextTellAt = 0;
  for (;;) {
    try {
      return await attempt();
    } catch (failure) {
      const refusal = describeRefusal(failure);
      if (refusal !== undefined) {
        throw new UnusableDatabaseError(refusal, { cause: failure });
      }
      if (!(failure instanceof DatabaseUnavailableError)) {
        throw failure;
      }
      const reason = describeFailure(failure.cause);
      const now = performance.now();
      if (now >= nextTellAt) {
        nextTellAt = now + tellEveryMs;
        tell(reason);
      }
      if (now >= deadline) {
        throw new UnusableDatabaseError(
          `The database of DATABASE_URL does not answer, after ${waitMs} ms (DATABASE_WAIT_MS): ${reason}`,
          { cause: failure },
        );
      }
      await delay(Math.min(pauseMs, deadline - now));
    }
  }
}
