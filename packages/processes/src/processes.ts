import cluster from "node:cluster";
import { setTimeout as delay } from "node:timers/promises";
import { type Child, startChild } from "./child.ts";

type Tell = (fields: object, message: string) => void;

export interface ProcessesOptions<Told> {
  /** The file that each process runs, with the flags of this one; it joins by `joinProcesses`. */
  readonly file: string;
  readonly count: number;
  readonly log: { readonly info: Tell; readonly error: Tell };
  /** Makes what a process's environment has beside that of this one. */
  environment?(): Readonly<Record<string, string>>;
  /** Is told of each process that is started. */
  onStart?(child: Child<Told>): void;
  /** Is told once as many serve as are to, with what the first of them has told. */
  onComplete(told: Told): void;
  /** Reads what a process has counted, which waits for it before it ends. */
  readCounts?(child: Child<Told>): Promise<void>;
}

export interface Processes {
  /** Ends all, and tells whether all ended well. */
  stop(): Promise<boolean>;
  /** Sends SIGHUP to all, and then gives each place to a new process, one after the other. */
  replace(): void;
}

/** What one process after the other has. */
interface Place<Told> {
  readonly number: number;
  child: Child<Told>;
}

/** How long is waited before a process that ended is followed by another, at first and at most. */
const firstDelayMs = 100;
const longestDelayMs = 30_000;
/** A process that has lived so long was well. */
const steadyMs = 60_000;

/**
 * Runs so many processes. They share the socket that listens, which stays open while one of them goes:
 * what waits on it others accept.
 *
 * Where the first one does not start, it has said why, and this process ends with its exit code.
 */
export async function runProcesses<Told extends object>(
  options: ProcessesOptions<Told>,
): Promise<Processes> {
  const { log, count } = options;
  cluster.setupPrimary({ exec: options.file, args: [] });
  const places: Place<Told>[] = [];
  /** All that have not ended: also one that is to have a place, or has had one. */
  const children = new Set<Child<Told>>();
  let isComplete = false;
  let isStopping = false;
  let replacing = Promise.resolve();

  function start(number: number): Child<Told> {
    const child = startChild<Told>(number, options.environment?.() ?? {}, {
      isReady,
      readCounts: async (one) => await options.readCounts?.(one),
    });
    children.add(child);
    options.onStart?.(child);
    child.ended.then(() => children.delete(child));
    child.started.then(tellOnceComplete);
    return child;
  }

  const serving = () => places.filter(({ child }) => child.isServing());

  function tellOnceComplete(): void {
    const told = places[0]?.child.told();
    if (!isComplete && told !== undefined && serving().length >= count) {
      isComplete = true;
      options.onComplete(told);
    }
  }

  /** Whichever is asked speaks for all, since a call may come to any of them. */
  async function isReady(): Promise<boolean> {
    const asked = isStopping || !isComplete ? [] : serving();
    const answers = await Promise.all(asked.map(({ child }) => child.isReady()));
    return !isStopping && answers.length > 0 && answers.every(Boolean);
  }

  /** Has another process follow each that ends in the place. */
  async function keep(place: Place<Told>): Promise<void> {
    let delayMs = firstDelayMs;
    while (!isStopping) {
      const { child } = place;
      const { code, signal } = await child.ended;
      if (isStopping || place.child !== child) {
        continue;
      }
      delayMs = performance.now() - child.startedAt >= steadyMs ? firstDelayMs : delayMs;
      log.error(
        { process: child.pid, code, signal, delayMs },
        "process ended, another one follows",
      );
      await delay(delayMs);
      delayMs = Math.min(2 * delayMs, longestDelayMs);
      // A replacement may have been quicker.
      if (!isStopping && place.child === child) {
        place.child = start(place.number);
      }
    }
  }

  /** The old one of a place leaves once the new one serves. */
  async function replaceAll(): Promise<void> {
    for (const place of serving()) {
      if (isStopping) {
        return;
      }
      const { child: old } = place;
      const next = start(place.number);
      if ((await next.started) === undefined) {
        if (!isStopping) {
          log.error({ process: next.pid }, "new process does not start, the old ones stay");
        }
        return;
      }
      if (place.child !== old) {
        // The old one has ended by itself, and has been followed.
        next.leave();
        continue;
      }
      place.child = next;
      old.leave();
      await old.ended;
      log.info({ process: next.pid, replaced: old.pid }, "process replaced");
    }
  }

  // It finds out for all whether what they need is there.
  const first = start(1);
  if ((await first.started) === undefined) {
    const { code } = await first.ended;
    process.exit(code ?? 1);
  }
  places.push({ number: 1, child: first });
  for (let number = 2; number <= count; number += 1) {
    places.push({ number, child: start(number) });
  }
  for (const place of places) {
    keep(place);
  }
  return {
    async stop() {
      isStopping = true;
      const ending = [...children];
      for (const child of ending) {
        child.kill("SIGTERM");
      }
      const outcomes = await Promise.all(ending.map(({ ended }) => ended));
      // What the signal itself has ended had not begun to serve.
      return outcomes.every(({ code, signal }) => code === 0 || signal === "SIGTERM");
    },
    replace() {
      for (const { child } of serving()) {
        child.kill("SIGHUP");
      }
      replacing = replacing.then(replaceAll);
    },
  };
}
