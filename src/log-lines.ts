import type { Writable } from "node:stream";

/** Takes the lines of a log. */
export interface LogLines {
  write(line: string): void;
  /** Hands on what has come in this turn of the event loop. */
  flush(): void;
}

/**
 * Hands the lines of a turn of the event loop on at its end, in one piece. pino's own way is to have
 * each written by another thread, and to copy all that waits for it with every further line.
 *
 * Where the reader of a pipe has gone, the lines go nowhere, and the service goes on.
 */
export function joinLogLines(out: Writable): LogLines {
  let lines = "";

  function flush(): void {
    if (lines !== "") {
      out.write(lines);
      lines = "";
    }
  }

  out.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") {
      throw error;
    }
  });
  return {
    write(line) {
      if (lines === "") {
        setImmediate(flush);
      }
      lines += line;
    },
    flush,
  };
}
