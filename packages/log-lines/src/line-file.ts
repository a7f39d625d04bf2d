/** For so long after a write that went well nobody asks what others may have done to the file. */
const soundMs = 100;
const newline = Buffer.from("\n");

/**
 * Makes what appends lines to a file whose disk may be full: it answers how many bytes of whole lines it has taken,
 * and throws where it has taken none. A line of which the disk has taken a part counts as not taken: what is there of
 * it is ended before the next one, whoever writes that.
 *
 * @param write answers how many of the bytes it has written, or throws
 * @param endsWithinLine tells that of the file, where another process may have left it so
 */
export function createLineFile(
  write: (bytes: Buffer) => number,
  endsWithinLine?: () => boolean,
): (lines: Buffer) => number {
  let isTorn = false;
  const isLeftTorn = endsWithinLine ?? (() => isTorn);
  let soundUntil = Number.NEGATIVE_INFINITY;

  return (lines) => {
    const now = performance.now();
    let taken = 0;
    try {
      if (now > soundUntil && isLeftTorn()) {
        write(newline);
        isTorn = false;
      }
      while (taken < lines.length) {
        taken += write(lines.subarray(taken));
      }
      soundUntil = now + soundMs;
      return taken;
    } catch (failure) {
      soundUntil = Number.NEGATIVE_INFINITY;
      const whole = lines.subarray(0, taken).lastIndexOf(newline) + 1;
      isTorn ||= taken > whole;
      if (whole === 0) {
        throw failure;
      }
      return whole;
    }
  };
}
