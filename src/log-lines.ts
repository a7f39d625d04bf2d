import type { Writable } from "node:stream";

/** Takes the lines of a log. */
export interface LogLines {
  write(line: string): void;
  /** Hands on what has come in this turn of the event loop. */
  flush(): void;
}

/** How many characters wait for a reader that takes none: the lines of 50,000 calls or more. */
export const maxWaiting = 16 * 1024 * 1024;

/**
 * Hands the lines of a turn of the event loop on at its end, in one piece. pino's own way is to have
 * each written by another thread, and to copy all that waits for it with every further line.
 *
 * Where the reader of a pipe stalls, lines wait for it as far as there is room, and are lost from
 * then on; one line tells how many, once it reads again. Where it has gone, all go nowhere. The
 * service goes on.
 */
export function joinLogLines(out: Writable): LogLines {
  let lines = "";
  let lost = 0;

  function flush(): void {
    if (lines !== "") {
      out.write(lines);
      lines = "";
    }
  }

  function add(line: string): void {
    if (lines === "") {
      setImmediate(flush);
    }
    lines += line;
  }

  function tellOfLost(): void {
    if (lost > 0) {
      const warning = { level: 40, time: Date.now(), lines: lost, msg: "log lines lost" };
      lost = 0;
      add(`${JSON.stringify(warning)}\n`);
    }
  }

  out.on("drain", tellOfLost);
  out.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") {
      throw error;
    }
  });
  return {
    write(line) {
      if (out.writableLength + lines.length + line.length > maxWaiting) {
        lost += 1;
        return;
      }
      tellOfLost();
      add(line);
    },
    flush,
  };
}
