import {
  createStatement,
  createTurns,
  DatabaseUnavailableError,
  type Orm,
} from "@partner-service/postgres-statements";
import { type ChangeFeed, type ChangePage, type ChangeQuery, horizonSql } from "./change-feed.ts";

const defaultTimes = {
  /** From one look for changes to the next. */
  pollMs: 400,
  /** After how long without changes a watcher reads by itself, and tells that it has. */
  quietMs: 25_000,
};

/** How old the last look may be for a watcher to say that nothing has changed. */
const freshMs = 2000;

/** How many pages are read at once for all watchers; the other connections are for calls. */
const readsAtOnce = 2;

/** Which of the books have changed between two horizons: one look into the index for each. */
const changedBooksSql = `select organization_id as id from partner
  where organization_id = any($1::uuid[]) and change >= $2 and change < $3
  group by organization_id`;

/** What a look has seen. */
interface Look {
  readonly horizon: bigint;
  /** The server that counts. */
  readonly origin: string;
  /** When it was over, by the clock of `performance`. */
  readonly endedAt: number;
}

interface Watcher {
  /** Whether its book may have changed since it began to read. */
  isBehind: boolean;
  /** What keeps the service from looking. */
  failure?: unknown;
  /** Ends its wait, if it waits. */
  wake(): void;
}

/**
 * Makes what watches books. One poll looks for changes of all books that are watched, while any is;
 * watchers of one book that are equally far share what they read.
 */
export function createChangeWatch(
  orm: Orm,
  { listChanges }: ChangeFeed,
  { pollMs, quietMs } = defaultTimes,
) {
  const findHorizon = createStatement(orm, "change-horizon", horizonSql);
  const findChangedBooks = createStatement(orm, "changed-books", changedBooksSql);
  const watchers = new Map<string, Set<Watcher>>();
  const reads = new Map<string, Promise<ChangePage>>();
  const inTurn = createTurns(readsAtOnce);
  const unlimited = new AbortController().signal;
  let lastLook: Look | undefined;
  let isLooking = false;
  let nextLook: NodeJS.Timeout | undefined;

  /**
   * Looks which books have changed since the last look. The books are those that are watched once the
   * horizon is taken: who comes later reads beyond it.
   */
  async function look(last: Look | undefined): Promise<Look> {
    const [{ horizon: text, ...server } = {}] = await findHorizon([]);
    const [horizon, origin] = [BigInt(String(text)), JSON.stringify(server)];
    const books = [...watchers.keys()];
    // At first, and once the server is another or counts anew, nobody knows.
    const isKnown = last !== undefined && last.origin === origin && last.horizon <= horizon;
    const changed =
      isKnown && last.horizon < horizon
        ? await findChangedBooks([books, last.horizon, horizon])
        : [];
    tellWatchers(isKnown ? changed.map((row) => String(row.id)) : books, undefined);
    return { horizon, origin, endedAt: performance.now() };
  }

  function tellWatchers(books: Iterable<string>, failure: unknown): void {
    // What is being read may be older than what they are told of.
    reads.clear();
    for (const watcher of [...books].flatMap((id) => [...(watchers.get(id) ?? [])])) {
      watcher.isBehind = true;
      watcher.failure ??= failure;
      watcher.wake();
    }
  }

  async function poll(): Promise<void> {
    nextLook = undefined;
    isLooking = true;
    try {
      lastLook = await look(lastLook);
    } catch (failure) {
      // All read anew after the next look. A database that stays away is told of by what they read once
      // they have waited for long.
      lastLook = undefined;
      if (!(failure instanceof DatabaseUnavailableError)) {
        tellWatchers(watchers.keys(), failure);
      }
    }
    isLooking = false;
    lastLook = watchers.size > 0 ? lastLook : undefined;
    nextLook = watchers.size > 0 ? setTimeout(poll, pollMs) : undefined;
  }

  function join(organizationId: string): { watcher: Watcher; leave: () => void } {
    const watcher: Watcher = { isBehind: true, wake: () => undefined };
    const others = watchers.get(organizationId) ?? new Set();
    watchers.set(organizationId, others.add(watcher));
    if (!isLooking && nextLook === undefined) {
      void poll();
    }
    return {
      watcher,
      leave() {
        others.delete(watcher);
        if (others.size === 0) {
          watchers.delete(organizationId);
        }
        if (watchers.size === 0) {
          clearTimeout(nextLook);
          nextLook = undefined;
          lastLook = undefined;
        }
      },
    };
  }

  /**
   * Reads for a watcher that may be behind, and is not then, unless a look says so meanwhile. Nobody's
   * signal ends a read that others may share; it is bounded in time.
   */
  function read(watcher: Watcher, changeQuery: ChangeQuery): Promise<ChangePage> {
    watcher.isBehind = false;
    const key = JSON.stringify(changeQuery);
    const shared = reads.get(key);
    if (shared !== undefined) {
      return shared;
    }
    const page = inTurn(() => listChanges(changeQuery, unlimited));
    reads.set(key, page);
    const done = () => {
      if (reads.get(key) === page) {
        reads.delete(key);
      }
    };
    page.then(done, done);
    return page;
  }

  /** Waits until the book may have changed, the time has come, or the signal aborts. */
  function wait(watcher: Watcher, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(end, ms);
      function end(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        watcher.wake = () => undefined;
        resolve();
      }
      watcher.wake = end;
      signal.addEventListener("abort", end);
      if (watcher.isBehind || signal.aborted) {
        end();
      }
    });
  }

  return {
    /**
     * What has changed, and then each change soon after it is committed, by whichever process. The first
     * page comes at once, and one without changes where nothing changes for long. It ends with the
     * signal.
     *
     * @throws PartnerError CHANGE_TOKEN_EXPIRED
     * @throws DatabaseUnavailableError
     */
    async *watchChanges(changeQuery: ChangeQuery, signal: AbortSignal): AsyncGenerator<ChangePage> {
      const { watcher, leave } = join(changeQuery.organizationId);
      try {
        let last: ChangePage | undefined;
        let next: Promise<ChangePage> | undefined;
        let tellBy = 0;
        while (!signal.aborted) {
          const lookedMs = performance.now() - (lastLook?.endedAt ?? 0);
          const isUnchanged = last?.more === false && !watcher.isBehind && lookedMs < freshMs;
          const after = last?.position ?? changeQuery.after;
          const page: ChangePage =
            last !== undefined && isUnchanged
              ? { ...last, partners: [] }
              : await (next ?? read(watcher, { ...changeQuery, after }));
          last = page;
          // The next page is read while this one is taken.
          next = page.more ? read(watcher, { ...changeQuery, after: page.position }) : undefined;
          next?.catch(() => undefined);
          if (page.partners.length > 0 || performance.now() >= tellBy) {
            yield page;
            tellBy = performance.now() + quietMs;
          }
          if (!page.more) {
            // A timer may be early by a part of a millisecond.
            await wait(watcher, tellBy - performance.now() + 1, signal);
          }
          if (watcher.failure !== undefined) {
            throw watcher.failure;
          }
        }
      } finally {
        leave();
      }
    },
  };
}
