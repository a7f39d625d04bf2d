import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { createLineFile, type Lines, leftOf, writeLines } from "./line-file.ts";
import type { LogLines } from "./log-lines.ts";

/** Where events go. */
export interface AuditTarget {
  /**
   * Takes what it can from the front of the lines, and answers what is left: the same where it takes nothing for now.
   *
   * @throws Error when it cannot take anything.
   */
  write(lines: Lines): Lines;
  /** Goes on in a file that has taken the old one's name; it keeps the old one where it cannot. */
  reopen(): void;
  close(): void;
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
    if (!fstatSync(descriptor).isFile()) {
      return { descriptors: [descriptor], write: (lines: Lines) => take(descriptor, lines) };
    }
    const reader = openSync(path, "r");
    const append = createLineFile(
      (lines) => writeLines(descriptor, lines),
      () => endsWithinLine(reader),
    );
    return { descriptors: [descriptor, reader], write: append };
  }

  return {
    write: (lines) => file.write(lines),
    reopen() {
      const old = file;
      file = open();
      old.descriptors.forEach(closeSync);
    },
    close() {
      file.descriptors.forEach(closeSync);
    },
  };
}

/** Writes between the lines of the log, whose reader may stall, or go. */
export function auditToLog({ append }: Pick<LogLines, "append">): AuditTarget {
  return { write: append, reopen() {}, close() {} };
}

function take(descriptor: number, lines: Lines): Lines {
  try {
    return leftOf(lines, writeLines(descriptor, lines));
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EAGAIN") {
      return lines;
    }
    throw cause;
  }
}

function endsWithinLine(reader: number): boolean {
  const { size } = fstatSync(reader);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(reader, last, 0, 1, size - 1) === 1 && last.toString() !== "\n";
}
