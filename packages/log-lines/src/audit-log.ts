import { channel } from "node:diagnostics_channel";
import type { AuditTarget } from "./audit-target.ts";
import type { Lines } from "./line-file.ts";

/** Keeps the lines of the audit trail in order until they have been handed over. */
export interface AuditLog {
  /**
   * Hands the line over in a microtask, with the others that are recorded until then: before anything that the
   * caller does in a later one. Where that cannot be, the line waits, and is handed over as soon as it can be; where
   * too many wait, it is lost, and counted.
   *
   * @param isVital whether all of the room is for it; others may take half
   */
  record(line: string, isVital: boolean): void;
  /** Whether all lines so far have been handed over, as soon as that is decided: within `patienceMs`. */
  handedOver(): Promise<boolean>;
  /** Why lines cannot be handed over at present; undefined when they can. */
  failure(): string | undefined;
  reopen(): void;
  /** Hands over what it can, and answers how many lines it could not. */
  close(): number;
}

/** What is published on the channel `log-lines.audit` after each change. */
export interface AuditLogEvent {
  /** How many lines have been handed over, and lost, since the last one. */
  readonly written: number;
  readonly lost: number;
  /** Bytes that wait. */
  readonly waiting: number;
  readonly failing: boolean;
}

const changes = channel("log-lines.audit");

/** Bytes of lines that wait: those of 20,000 events or more. */
const maxAuditWaiting = 8 * 1024 * 1024;
/** How long lines may wait for a reader before that is a failure. */
const patienceMs = 1000;
const retryMs = 100;

interface AuditLogOptions {
  /** Is told when lines cannot be handed over any more, with the reason, and when they can again. */
  readonly tell: (failure: string | undefined, lost: number) => void;
  /** Makes the line that tells of so many lost ones, without its end. */
  readonly describeLost: (lost: number) => string;
  /** How many bytes may wait. */
  readonly room?: number;
}

interface Batch {
  lines: Lines;
  count: number;
  /** Whether they have been handed over, where somebody waits for it. */
  handedOver: PromiseWithResolvers<boolean> | undefined;
}

/** Makes the log of the audit trail. What it holds is bounded, and so is each wait for it. */
export function createAuditLog(
  target: AuditTarget,
  { tell, describeLost, room = maxAuditWaiting }: AuditLogOptions,
): AuditLog {
  /** Lines that nobody has tried to hand over, and what is left of those that somebody has. */
  let next: Batch & { lines: string } = { lines: "", count: 0, handedOver: undefined };
  let current: Batch | undefined;
  let scheduled = false;
  let retry: NodeJS.Timeout | undefined;
  let stuckSince: number | undefined;
  let failure: string | undefined;
  /** Lost lines of which the trail does not tell yet. */
  let untold = 0;

  const waiting = () => next.lines.length + (current?.lines.length ?? 0);

  function publish(written: number, lost: number): void {
    if (changes.hasSubscribers) {
      const failing = failure !== undefined;
      changes.publish({ written, lost, waiting: waiting(), failing } satisfies AuditLogEvent);
    }
  }

  function fail(reason: string): void {
    if (failure === undefined) {
      failure = reason;
      tell(reason, untold);
    }
    for (const batch of current === undefined ? [next] : [current, next]) {
      batch.handedOver?.resolve(false);
      batch.handedOver = undefined;
    }
  }

  function add(line: string): void {
    next.lines += line;
    next.count += 1;
  }

  function addLost(): void {
    if (untold > 0) {
      add(`${describeLost(untold)}\n`);
      untold = 0;
    }
  }

  function flush(): void {
    scheduled = false;
    let written = 0;
    while (next.count > 0 || current !== undefined) {
      if (current === undefined) {
        current = next;
        next = { lines: "", count: 0, handedOver: undefined };
      }
      const { lines } = current;
      let problem = "nobody takes them";
      try {
        current.lines = target.write(lines);
      } catch (cause) {
        problem = describe(cause);
        stuckSince = Number.NEGATIVE_INFINITY;
      }
      if (current.lines === lines) {
        stick(problem);
        break;
      }
      if (current.lines.length === 0) {
        written += current.count;
        current.handedOver?.resolve(true);
        current = undefined;
      }
    }
    if (current === undefined && (stuckSince !== undefined || untold > 0)) {
      recover();
    }
    publish(written, 0);
  }

  /** Tries again later, and calls it a failure once that has gone on for long. */
  function stick(problem: string): void {
    const now = performance.now();
    stuckSince ??= now;
    if (now - stuckSince >= patienceMs) {
      fail(problem);
    }
    retry ??= setTimeout(() => {
      retry = undefined;
      flush();
    }, retryMs).unref();
  }

  function recover(): void {
    stuckSince = undefined;
    clearTimeout(retry);
    retry = undefined;
    if (failure !== undefined) {
      failure = undefined;
      tell(undefined, untold);
    }
    if (untold > 0) {
      addLost();
      flush();
    }
  }

  return {
    record(line, isVital) {
      if (waiting() + line.length > (isVital ? room : room / 2)) {
        untold += 1;
        fail("no room is left for those that wait");
        publish(0, 1);
      } else {
        addLost();
        add(line);
      }
      if (!scheduled && current === undefined) {
        scheduled = true;
        // It comes before what the caller queues from here on, its answer among that, and after what has been
        // queued: the calls that share a statement share a write.
        queueMicrotask(flush);
      }
    },
    handedOver() {
      const last = next.count > 0 ? next : current;
      if (last === undefined || failure !== undefined) {
        return Promise.resolve(failure === undefined);
      }
      last.handedOver ??= Promise.withResolvers();
      return last.handedOver.promise;
    },
    failure: () => failure,
    reopen() {
      target.reopen();
    },
    close() {
      flush();
      clearTimeout(retry);
      const left = next.count + (current?.count ?? 0) + untold;
      target.close();
      return left;
    },
  };
}

function describe(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
