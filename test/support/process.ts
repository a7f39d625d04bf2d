import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";

/** The service as a process of its own, as `npm start` runs it. */
export interface ServiceProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** What it has printed so far. */
  output(): string;
  /** Waits until the output matches, and returns the match. Fails when the process ends before. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Waits for the end, and returns the exit code; null when a signal ended it. */
  ended(): Promise<number | null>;
}

/** Starts `node FILE` with just these settings (and PATH). */
export function startProcess(
  file: string,
  settings: Record<string, string>,
  args: readonly string[] = [],
): ServiceProcess {
  return startCommand(process.execPath, [file, ...args], settings);
}

/** Starts a program with just these settings (and PATH). */
export function startCommand(
  program: string,
  args: readonly string[],
  settings: Record<string, string>,
): ServiceProcess {
  const child = spawn(program, args, {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const end = once(child, "close");
  let output = "";
  let more = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      more.resolve();
      more = Promise.withResolvers();
    });
  }
  return {
    child,
    output: () => output,
    async waitFor(pattern) {
      for (;;) {
        const match = pattern.exec(output);
        if (match !== null) {
          return match;
        }
        const ended = end.then(() => {
          throw new Error(`The process ended without ${pattern}:\n${output}`);
        });
        await Promise.race([more.promise, ended]);
      }
    },
    async ended() {
      // The exit code is the first argument of the event.
      const [code] = (await end) as [number | null];
      return code;
    },
  };
}
