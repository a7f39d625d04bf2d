import { writeSync } from "node:fs";

/** For so long after a write that went well nobody asks what others may have done to the file. */
const soundMs = 100;

/** Lines as they were put together, or what is left of them: bytes, which are made only where something is left. */
export type Lines = string | Buffer;

/** Writes what it can from the front of the lines, and answers how many bytes that are. */
export function writeLines(descriptor: number, lines: Lines): number {
  // To Node these are two functions.
  return typeof lines === "string" ? writeSync(descriptor, lines) : writeSync(descriptor, lines);
}

/** What is left of the lines when so many bytes of them are written. */
export function leftOf(lines: Lines, written: number): Lines {
  return written === Buffer.byteLength(lines) ? "" : toBytes(lines).subarray(written);
}

function toBytes(lines: Lines): Buffer {
  return typeof lines === "string" ? Buffer.from(lines) : lines;
}

/**
 * Makes what appends lines to a file whose disk may be full: it answers which whole lines are left, and throws where
 * it has taken none. A line of which the disk has taken a part counts as not taken: what is there of it is ended
 * before the next one, whoever writes that.
 *
 * @param write answers how many bytes of the lines it has written, or throws
 * @param endsWithinLine tells that of the file, where another process may have left it so
 */
export function createLineFile(
  write: (lines: Lines) => number,
  endsWithinLine?: () => boolean,
): (lines: Lines) => Lines {
  let isTorn = false;
  const isLeftTorn = endsWithinLine ?? (() => isTorn);
  let soundUntil = Number.NEGATIVE_INFINITY;

  return (lines) => {
    const now = performance.now();
    let rest = lines;
    try {
      if (now > soundUntil && isLeftTorn()) {
        write("\n");
        isTorn = false;
      }
      while (rest.length > 0) {
        rest = leftOf(rest, write(rest));
      }
      soundUntil = now + soundMs;
      return rest;
    } catch (failure) {
      soundUntil = Number.NEGATIVE_INFINITY;
      const taken = Buffer.byteLength(lines) - Buffer.byteLength(rest);
      const whole = toBytes(lines).subarray(0, taken).lastIndexOf("\n") + 1;
      isTorn ||= taken > whole;
      if (whole === 0) {
        throw failure;
      }
      return leftOf(lines, whole);
    }
  };
}
