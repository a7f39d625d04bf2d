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
  /**
   * After how long without changes a watcher tells so. The look that finds the time over, and not a timer of its
   * own, wakes it: with what is from one look to the next it is 25 seconds at most.
   */
  quietMs: 24_500,
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
  /** When it is to tell something, by the clock of `performance`. */
  tellBy: number;
  /** Ends its wait, if it waits. */
  wake(): void;
}

/**
 * Makes what watches books. One poll looks for changes of all books that are watched, while any is;
 * watchers of one book that are equally far share what they read.
 */
export function createChangeWatch(
  orm: Orm,
  { readChanges }: Pick<ChangeFeed, "readChanges">,
  { pollMs, quietMs } = defaultTimes,
) {
  const findHorizon = createStatement(orm, "change-horizon", horizonSql);
  const findChangedBooks = createStatement(orm, "changed-books", changedBooksSql);
  const watchers = new Map<string, Set<Watcher>>();
  /** Those that have told something, in the order in which they are to tell something again. */
  const told = new Set<Watcher>();
  const reads = new Map<string, Promise<ChangePage>>();
  const inTurn = createTurns(readsAtOnce);
  const unlimited = new AbortController().signal;
  let lastLook: Look | undefined;
  let isLooking = false;
  let polling: NodeJS.Timeout | undefined;

  /**
   * Looks which books have changed since the last look. The books are those that are watched once the
   * horizon is taken: who comes later reads beyond it.
   */
  async function look(last: Look | undefined): Promise<Look> {
    const [{ horizon: text, ...server } = {}] = await findHorizon([]);
    const [horizon, origin] = [BigInt(String(text)), JSON.stringify(server)];
    // What was being read when the horizon was taken may be older than that.
    reads.clear();
    // At first, and once the server is another or counts anew, nobody knows.
    const isKnown = last !== undefined && last.origin === origin && last.horizon <= horizon;
    if (!isKnown) {
      tellWatchers(watchers.keys());
    } else if (last.horizon < horizon) {
      const changed = await findChangedBooks([[...watchers.keys()], last.horizon, horizon]);
      tellWatchers(changed.map((row) => String(row.id)));
    }
    return { horizon, origin, endedAt: performance.now() };
  }

  function tellWatchers(books: Iterable<string>, failure?: unknown): void {
    for (const watcher of [...books].flatMap((id) => [...(watchers.get(id) ?? [])])) {
      watcher.isBehind = true;
      watcher.failure ??= failure;
      watcher.wake();
    }
  }

  async function poll(): Promise<void> {
    wakeQuiet();
    if (isLooking) {
      return;
    }
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
  }

  /** Wakes those that are to tell something now, whether anything has changed or not. */
  function wakeQuiet(): void {
    const now = performance.now();
    for (const watcher of told) {
      if (watcher.tellBy > now) {
        return;
      }
      watcher.wake();
    }
  }

  function join(organizationId: string): { watcher: Watcher; leave: () => void } {
    const watcher: Watcher = { isBehind: true, tellBy: 0, wake: () => undefined };
    const others = watchers.get(organizationId) ?? new Set();
    watchers.set(organizationId, others.add(watcher));
    if (polling === undefined) {
      polling = setInterval(poll, pollMs);
      void poll();
    }
    return {
      watcher,
      leave() {
        told.delete(watcher);
        others.delete(watcher);
        if (others.size === 0) {
          watchers.delete(organizationId);
        }
        if (watchers.size === 0) {
          clearInterval(polling);
          polling = undefined;
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
    const page = inTurn(() => readChanges(changeQuery, unlimited));
    reads.set(key, page);
    const done = () => {
      if (reads.get(key) === page) {
        reads.delete(key);
      }
    };
    page.then(done, done);
    return page;
  }

  return {
    /**
     * What has changed, and then each change soon after it is committed, by whichever process. The first
     * page comes at once, and one without changes where nothing changes for long. It ends with the
     * signal.
     *
     * @throws PartnerError CHANGE_TOKEN_EXPIRED
     */
    async *watchChanges(changeQuery: ChangeQuery, signal: AbortSignal): AsyncGenerator<ChangePage> {
      const { watcher, leave } = join(changeQuery.organizationId);
      const onAbort = () => watcher.wake();
      signal.addEventListener("abort", onAbort);
      try {
        let last: ChangePage | undefined;
        let next: Promise<ChangePage> | undefined;
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
          if (page.partners.length > 0 || performance.now() >= watcher.tellBy) {
            yield page;
            watcher.tellBy = performance.now() + quietMs;
            told.delete(watcher);
            told.add(watcher);
          }
          if (!page.more) {
            await new Promise<void>((resolve) => {
              watcher.wake = resolve;
              if (watcher.isBehind || signal.aborted) {
                resolve();
              }
            });
          }
          if (watcher.failure !== undefined) {
            throw watcher.failure;
          }
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
        leave();
      }
    },
  };
}
