import { OverloadedError } from "./failures.ts";

/** How much a joining takes on. */
export interface JoiningLimits {
  /** Statements under way at once. */
  readonly statements: number;
  readonly callsPerStatement: number;
  /** Calls that wait for a statement. */
  readonly waiting: number;
  /** How long a call waits while others are done. While none are, it waits on. */
  readonly waitMs: number;
}

/** A call that shares a statement with others, and waits for what becomes of it. */
export interface JoinedCall<Item, Answer> {
  readonly item: Item;
  readonly signal: AbortSignal;
  /** When it came, by the clock of `performance`. */
  readonly since: number;
  resolve(answer: Answer): void;
  reject(failure: unknown): void;
}

/**
 * Joins what is asked for at the same time into one statement. What arrives in one turn of the event
 * loop goes at its end, without a timer, or as soon as it fills a statement: the database then works
 * while the rest of the turn goes on. What arrives while all statements are under way goes when one
 * of them ends. So the statements are as large as the load makes them, and a lone call waits for
 * nobody.
 *
 * @param run does what the calls ask for, and resolves or rejects each; it never rejects itself.
 */
export function createJoining<Item, Answer>(
  run: (calls: readonly JoinedCall<Item, Answer>[]) => Promise<void>,
  limits: JoiningLimits,
) {
  let waiting: JoinedCall<Item, Answer>[] = [];
  let underWay = 0;
  let scheduled = false;

  function schedule(): void {
    if (underWay === limits.statements) {
      return;
    }
    if (waiting.length >= limits.callsPerStatement) {
      start();
    } else if (!scheduled && waiting.length > 0) {
      scheduled = true;
      setImmediate(() => {
        scheduled = false;
        start();
      });
    }
  }

  function start(): void {
    dropAborted();
    while (waiting.length > 0 && underWay < limits.statements) {
      underWay += 1;
      const startedAt = performance.now();
      void run(waiting.splice(0, limits.callsPerStatement)).finally(() => {
        underWay -= 1;
        schedule();
        dropLate(startedAt);
      });
    }
  }

  function dropAborted(): void {
    waiting = waiting.filter(({ signal, reject }) => {
      if (signal.aborted) {
        reject(signal.reason);
      }
      return !signal.aborted;
    });
  }

  /**
   * Drops calls for which there is still no room when a statement has ended. One that hung says nothing
   * of those that came while it did.
   */
  function dropLate(startedAt: number): void {
    const latest = Math.min(startedAt, performance.now() - limits.waitMs);
    while (underWay === limits.statements && (waiting[0]?.since ?? Infinity) <= latest) {
      waiting.shift()?.reject(new OverloadedError());
    }
  }

  const waitingCalls = () => waiting.length;

  /**
   * Has the item done with others.
   *
   * @param signal takes the call out, with its reason, if it aborts before the statement is sent.
   * @throws OverloadedError
   */
  const join = (item: Item, signal: AbortSignal): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (waiting.length >= limits.waiting) {
        dropAborted();
      }
      if (waiting.length >= limits.waiting) {
        throw new OverloadedError();
      }
      waiting.push({ item, signal, since: performance.now(), resolve, reject });
      schedule();
    });
  return Object.assign(join, { waitingCalls });
}
