import { channel } from "node:diagnostics_channel";
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { type LogStream, maxWaiting } from "../log-lines.ts";

/** Where events go. */
export interface AuditTarget {
  /**
   * Takes bytes from the front of those given, and answers how many: 0 where it takes none for now.
   *
   * @throws Error when it cannot take any.
   */
  write(bytes: Buffer): number;
  /** Goes on in a file that has taken the old one's name; it keeps the old one where it cannot. */
  reopen(): void;
  close(): void;
}

/** Keeps the lines of the audit trail in order until they have been handed over. */
export interface AuditLog {
  /**
   * Hands the line over with the others of its turn of the event loop. Where that cannot be, the line
   * waits, and is handed over as soon as it can be; where too many wait, it is lost, and counted.
   *
   * @param isVital whether all of the room is for it; others may take half
   * @returns whether it has been handed over, as soon as that is decided: at once, or, for those that
   * wait for it, within `patienceMs`.
   */
  record(line: string, isVital: boolean): Promise<boolean>;
  /** Why lines cannot be handed over at present; undefined when they can. */
  failure(): string | undefined;
  reopen(): void;
  /** Hands over what it can, and answers how many lines it could not. */
  close(): number;
}

/** What is published on the channel `partner-service.audit` after each change. */
export interface AuditLogEvent {
  /** How many lines have been handed over, and lost, since the last one. */
  readonly written: number;
  readonly lost: number;
  /** Bytes that wait. */
  readonly waiting: number;
  readonly failing: boolean;
}

const changes = channel("partner-service.audit");

/** Bytes of lines that wait: those of 20,000 events or more. */
const maxAuditWaiting = 8 * 1024 * 1024;
/** How long lines may wait for a reader before that is a failure. */
const patienceMs = 1000;
const retryMs = 100;

interface AuditLogOptions {
  /** Whether those who record a line wait until it has been handed over. */
  readonly required: boolean;
  /** Is told when lines cannot be handed over any more, with the reason, and when they can again. */
  readonly tell: (failure: string | undefined, lost: number) => void;
  /** How many bytes may wait. */
  readonly room?: number;
}

interface Lines {
  text: string;
  count: number;
  /** Whether they have been handed over, for those who wait for it. */
  handedOver: PromiseWithResolvers<boolean>;
}

const noLines = (): Lines => ({ text: "", count: 0, handedOver: Promise.withResolvers() });

/** Makes the log of the audit trail. What it holds is bounded, and so is each wait for it. */
export function createAuditLog(
  target: AuditTarget,
  { required, tell, room = maxAuditWaiting }: AuditLogOptions,
): AuditLog {
  /** Lines that nobody has tried to hand over, and what is left of those that somebody has. */
  let next = noLines();
  let current: (Lines & { bytes: Buffer }) | undefined;
  let scheduled = false;
  let retry: NodeJS.Timeout | undefined;
  let stuckSince: number | undefined;
  let failure: string | undefined;
  /** Lost lines of which the trail does not tell yet. */
  let untold = 0;

  const waiting = () => next.text.length + (current?.bytes.length ?? 0);

  function publish(written: number, lost: number): void {
    if (changes.hasSubscribers) {
      const failing = failure !== undefined;
      changes.publish({ written, lost, waiting: waiting(), failing } satisfies AuditLogEvent);
    }
  }

  function settle(lines: Lines, handedOver: boolean): void {
    lines.handedOver.resolve(handedOver);
    lines.handedOver = Promise.withResolvers();
  }

  function fail(reason: string): void {
    if (failure === undefined) {
      failure = reason;
      tell(reason, untold);
    }
    for (const lines of current === undefined ? [next] : [current, next]) {
      settle(lines, false);
    }
  }

  function add(line: string): void {
    if (untold > 0) {
      next.text += describeLost(untold);
      next.count += 1;
      untold = 0;
    }
    next.text += line;
    next.count += 1;
  }

  function flush(): void {
    scheduled = false;
    let written = 0;
    while (next.count > 0 || current !== undefined) {
      if (current === undefined) {
        current = { ...next, bytes: Buffer.from(next.text) };
        next = noLines();
      }
      let problem = "nobody takes them";
      let taken = 0;
      try {
        taken = target.write(current.bytes);
      } catch (cause) {
        problem = describe(cause);
        stuckSince = Number.NEGATIVE_INFINITY;
      }
      if (taken === 0) {
        stick(problem);
        break;
      }
      current.bytes = current.bytes.subarray(taken);
      if (current.bytes.length === 0) {
        written += current.count;
        settle(current, true);
        current = undefined;
      }
    }
    if (current === undefined) {
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
    } else if (!required && current !== undefined) {
      settle(current, false);
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
      const lost = untold;
      untold = 0;
      next.text += describeLost(lost);
      next.count += 1;
      flush();
    }
  }

  return {
    record(line, isVital) {
      if (waiting() + line.length > (isVital ? room : room / 2)) {
        untold += 1;
        fail("no room is left for those that wait");
        publish(0, 1);
        return Promise.resolve(false);
      }
      add(line);
      if (failure !== undefined || (current !== undefined && !required)) {
        return Promise.resolve(false);
      }
      if (!scheduled && current === undefined) {
        scheduled = true;
        // It comes after all that the present turn settles: the calls that share a statement share a write.
        process.nextTick(flush);
      }
      return next.handedOver.promise;
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

/** The line that tells of a gap in the trail. */
function describeLost(lost: number): string {
  return `${JSON.stringify({ audit: 1, kind: "lost", time: new Date().toISOString(), lost })}\n`;
}

function describe(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}

/** Never waits: where a reader stalls, the write fails with EAGAIN. */
const flags =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);

/**
 * Appends to a file, or to a named pipe that somebody reads. It is written by the thread that serves
 * the calls: a write to a local disk's cache is short.
 *
 * @throws Error when the file cannot be opened.
 */
export function openAuditFile(path: string): AuditTarget {
  let file = open();

  function open() {
    const descriptor = openSync(path, flags, 0o640);
    return { descriptor, torn: isTorn(path, descriptor) };
  }

  return {
    write(bytes) {
      if (file.torn) {
        file.torn = take(file.descriptor, Buffer.from("\n")) === 0;
      }
      return file.torn ? 0 : take(file.descriptor, bytes);
    },
    reopen() {
      const old = file;
      file = open();
      closeSync(old.descriptor);
    },
    close() {
      closeSync(file.descriptor);
    },
  };
}

/** Appends to a file that is open, such as stdout, and stays so. */
export function auditToFile(descriptor: number): AuditTarget {
  return { write: (bytes) => take(descriptor, bytes), reopen() {}, close() {} };
}

function take(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EAGAIN") {
      return 0;
    }
    throw cause;
  }
}

/** Whether the file ends within a line, as a process leaves it that ends while the disk is full. */
function isTorn(path: string, descriptor: number): boolean {
  const status = fstatSync(descriptor);
  if (!status.isFile() || status.size === 0) {
    return false;
  }
  const reader = openSync(path, "r");
  try {
    const last = Buffer.alloc(1);
    readSync(reader, last, 0, 1, status.size - 1);
    return last.toString() !== "\n";
  } finally {
    closeSync(reader);
  }
}

/** Writes between the lines of the log, whose reader may stall, or go. */
export function auditToLog(log: LogStream): AuditTarget {
  return {
    write(bytes) {
      // As long as the log has room for more than this, it loses nothing that is given to it.
      if ((log.waiting?.() ?? 0) > maxWaiting - maxAuditWaiting) {
        return 0;
      }
      for (const line of bytes.toString().match(/.+\n/g) ?? []) {
        log.write(line);
      }
      log.flush?.();
      return bytes.length;
    },
    reopen() {},
    close() {},
  };
}
