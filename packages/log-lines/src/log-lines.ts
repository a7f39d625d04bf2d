import { fstatSync } from "node:fs";
import { Writable } from "node:stream";
import { isatty } from "node:tty";
import { createLineFile, type Lines, writeLines } from "./line-file.ts";

/** Takes the lines of a log. */
export interface LogLines {
  write(line: string): void;
  /** Hands on what has come in this turn of the event loop. */
  flush(): void;
  /**
   * Hands lines on at once, of which none may be lost, and answers what is left of them: the same where it takes
   * nothing for now.
   *
   * @throws Error when it cannot take anything.
   */
  append(lines: Lines): Lines;
}

/** How many characters wait for a reader that takes none: the lines of 50,000 calls or more. */
export const maxWaiting = 16 * 1024 * 1024;

/**
 * Hands the lines of a turn of the event loop on at its end, in one piece.
 *
 * pino's own destination, SonicBoom, can join lines (`minLength`), bound them (`maxLength`) and tell of
 * those that it drops. But it writes to a pipe either on a thread of the pool in which tokens are
 * verified, and a reader that stalls keeps that thread; or at once, and such a reader stops the service.
 *
 * Where the reader of a pipe stalls, lines wait for it as far as there is room, and are lost from
 * then on; one line tells how many, once it reads again. Where it has gone, all go nowhere. The
 * service goes on.
 */
export function joinLogLines(out: Writable): LogLines {
  let lines = "";
  let lost = 0;
  /** The lines in `lines`, and how many lost ones the warnings among them speak for. */
  let pending = 0;
  let warnings = 0;
  let spokenFor = 0;

  function flush(): void {
    if (lines !== "") {
      const text = lines;
      lines = "";
      out.write(text);
      pending = warnings = spokenFor = 0;
    }
  }

  function add(line: string): void {
    if (lines === "") {
      setImmediate(flush);
    }
    lines += line;
    pending += 1;
  }

  function tellOfLost(): void {
    if (lost > 0) {
      const warning = { level: 40, time: Date.now(), lines: lost, msg: "log lines lost" };
      warnings += 1;
      spokenFor += lost;
      lost = 0;
      add(`${JSON.stringify(warning)}\n`);
    }
  }

  out.on("drain", tellOfLost);
  out.on("lost", (number: number) => {
    lost += number === pending ? number - warnings + spokenFor : number;
  });
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
    append(given) {
      // The other half is for lines that may be lost.
      if (!out.writable || out.writableLength + lines.length > maxWaiting / 2) {
        return given;
      }
      flush();
      out.write(given);
      return "";
    },
  };
}

/** The lines of a log as they go to the process's stdout. */
export function openLogLines(stdout: Writable & { readonly fd: number }): LogLines {
  const { fd } = stdout;
  const stats = fstatSync(fd);
  if (stats.isFIFO() || stats.isSocket() || isatty(fd)) {
    return joinLogLines(stdout);
  }
  const append = createLineFile((text) => writeLines(fd, text));
  return { ...joinLogLines(createFileOutput(append)), append };
}

/**
 * A file that is written at once. What it does not take, because its disk is full, is lost, and the
 * event `lost` tells how many lines that are: Node's own stdout ends with the first write that fails.
 */
export function createFileOutput(append: LogLines["append"]): Writable {
  const output = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      let rest: Lines = text;
      try {
        while (rest.length > 0) {
          rest = append(rest);
        }
      } catch {
        output.emit("lost", rest.toString().split("\n").length - 1);
      }
      done();
    },
  });
  return output;
}
