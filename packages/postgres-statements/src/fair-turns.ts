import { OverloadedError } from "./failures.ts";

/** Who asks for a piece of work. */
export interface Asker {
  /** Those who have it in common have one line. */
  readonly key: string;
  /** Takes the work out of the line, with its reason. */
  readonly signal: AbortSignal;
}

/** The work of one asker. */
interface Line {
  underWay: number;
  /** What begins the work that waits, in the order in which it came. */
  readonly waiting: Set<() => void>;
}

/**
 * Makes what has work of many askers under way, so that none keeps the others from theirs: each has a line
 * of its own, from whose heads one after the other is taken. Work begins only where more turns are free than its
 * asker has, so that one alone has half of them, two have three quarters, and so on: those whose work takes long
 * leave turns to others.
 *
 * @param atOnce how much work is under way at once, of all.
 * @param waitMs how long a piece of work waits for its turn, in milliseconds.
 * @param makeRefusal makes what it then fails with.
 */
export function createFairTurns(
  atOnce: number,
  waitMs: number,
  makeRefusal = (): Error => new OverloadedError(),
) {
  /** By the askers' keys. Whose turn began or ended last comes last. */
  const lines = new Map<string, Line>();
  let free = atOnce;

  function begin(key: string, line: Line): void {
    free -= 1;
    line.underWay += 1;
    lines.delete(key);
    lines.set(key, line);
  }

  function end(key: string, line: Line): void {
    free += 1;
    line.underWay -= 1;
    lines.delete(key);
    if (isUsed(line)) {
      lines.set(key, line);
    }
    for (const [nextKey, nextLine] of lines) {
      const [next] = nextLine.waiting;
      if (next !== undefined && nextLine.underWay < free) {
        begin(nextKey, nextLine);
        next();
      }
      if (free === 0) {
        return;
      }
    }
  }

  /** Waits until the end of another piece of work begins this one. */
  function wait({ key, signal }: Asker, line: Line): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = () => {
        leave();
        resolve();
      };
      const refuse = (reason: unknown) => {
        leave();
        if (!isUsed(line)) {
          lines.delete(key);
        }
        reject(reason);
      };
      const onAbort = () => refuse(signal.reason);
      const timer = setTimeout(() => refuse(makeRefusal()), waitMs);
      function leave(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        line.waiting.delete(next);
      }
      signal.addEventListener("abort", onAbort);
      line.waiting.add(next);
      lines.set(key, line);
    });
  }

  /** How many pieces of work wait. */
  const waiting = () => [...lines.values()].reduce((sum, line) => sum + line.waiting.size, 0);

  /** Does a piece of work in its asker's turn. */
  const inTurn = async <T>(asker: Asker, work: () => Promise<T>): Promise<T> => {
    const { key, signal } = asker;
    signal.throwIfAborted();
    const line = lines.get(key) ?? { underWay: 0, waiting: new Set() };
    if (line.underWay < free) {
      begin(key, line);
    } else {
      await wait(asker, line);
    }
    try {
      return await work();
    } finally {
      end(key, line);
    }
  };
  return Object.assign(inTurn, { waiting });
}

function isUsed({ underWay, waiting }: Line): boolean {
  return underWay > 0 || waiting.size > 0;
}
