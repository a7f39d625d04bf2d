import { DatabaseUnavailableError } from "./failures.ts";

/** How much a batcher takes on. */
export interface BatchLimits {
  /** Batches under way at once. */
  readonly batches: number;
  readonly itemsPerBatch: number;
  /** Items that wait for a batch. */
  readonly waiting: number;
  /** How long an item waits for a batch while those under way do not end. */
  readonly waitMs: number;
}

/** An item of a batch, and the call that waits for what becomes of it. */
export interface BatchEntry<Item, Answer> {
  readonly item: Item;
  readonly signal: AbortSignal;
  /** When it came, by the clock of `performance`. */
  readonly since: number;
  resolve(answer: Answer): void;
  reject(failure: unknown): void;
}

/** So much is waiting already that no more is taken. Nothing has been done. */
export class OverloadedError extends Error {
  override readonly name = "OverloadedError";

  constructor() {
    super("Too many calls are waiting.");
  }
}

/**
 * Does together what is asked for at the same time. What arrives in one turn of the event loop goes
 * at its end, without a timer, or as soon as it fills a batch: the database then works while the
 * rest of the turn goes on. What arrives while all batches are under way goes when one of them ends.
 * So the batches are as large as the load makes them, and a lone item waits for nobody.
 *
 * @param run does the items of a batch, and resolves or rejects each entry; it never rejects itself.
 */
export function createBatcher<Item, Answer>(
  run: (entries: readonly BatchEntry<Item, Answer>[]) => Promise<void>,
  limits: BatchLimits,
) {
  let waiting: BatchEntry<Item, Answer>[] = [];
  let underWay = 0;
  let scheduled = false;
  let watch: NodeJS.Timeout | undefined;

  function schedule(): void {
    if (underWay === limits.batches) {
      return;
    }
    if (waiting.length >= limits.itemsPerBatch) {
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
    while (waiting.length > 0 && underWay < limits.batches) {
      underWay += 1;
      void run(waiting.splice(0, limits.itemsPerBatch)).finally(() => {
        underWay -= 1;
        schedule();
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

  /** One timer, for the item that has waited longest, does for all. */
  function watchOver(): void {
    const [oldest] = waiting;
    if (watch === undefined && oldest !== undefined) {
      const leftMs = oldest.since + limits.waitMs - performance.now();
      watch = setTimeout(dropExpired, Math.max(1, leftMs)).unref();
    }
  }

  function dropExpired(): void {
    watch = undefined;
    const latest = performance.now() - limits.waitMs;
    waiting = waiting.filter(({ since, reject }) => {
      if (since <= latest) {
        reject(new DatabaseUnavailableError(false, new Error("No batch has ended in time.")));
      }
      return since > latest;
    });
    watchOver();
  }

  /**
   * Has the item done with others.
   *
   * @param signal takes the item out, with its reason, if it aborts before the batch starts.
   * @throws OverloadedError
   * @throws DatabaseUnavailableError
   */
  return (item: Item, signal: AbortSignal): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (waiting.length >= limits.waiting) {
        dropAborted();
      }
      if (waiting.length >= limits.waiting) {
        throw new OverloadedError();
      }
      waiting.push({ item, signal, since: performance.now(), resolve, reject });
      schedule();
      watchOver();
    });
}
