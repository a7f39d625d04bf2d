import cluster from "node:cluster";
import { exchangeQuestions } from "./questions.ts";

interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
}

/** One of the processes. */
export interface Child<Told> {
  /** Whose place it has, from 1 on. */
  readonly number: number;
  readonly pid: number | undefined;
  readonly startedAt: number;
  /** What it tells once it serves; undefined where it ends before. */
  readonly started: Promise<Told | undefined>;
  readonly ended: Promise<Outcome>;
  /** What it has told, from when it serves to its end. */
  told(): Told | undefined;
  /** Whether it serves, and is not to leave. */
  isServing(): boolean;
  isReady(): Promise<boolean>;
  /** Has it end while another one has its place. */
  leave(): void;
  kill(signal: NodeJS.Signals): void;
}

/** What processes ask the primary. */
export interface Primary<Told> {
  /** Whether all are ready. */
  isReady(): Promise<boolean>;
  /** Reads what a process has counted, which is about to end. */
  readCounts(child: Child<Told>): Promise<void>;
}

/** Starts a process with the arguments and flags of this one. */
export function startChild<Told>(
  number: number,
  environment: Readonly<Record<string, string>>,
  primary: Primary<Told>,
): Child<Told> {
  const worker = cluster.fork(environment);
  const { promise: ended, resolve: end } = Promise.withResolvers<Outcome>();
  worker.on("exit", (code, signal) => end({ code, signal }));
  // The system does not let it start.
  worker.on("error", () => end({ code: null, signal: null }));
  const { promise: started, resolve } = Promise.withResolvers<Told | undefined>();
  let isLeaving = false;
  let told: Told | undefined;
  const ask = exchangeQuestions(
    {
      onMessage: (listener) => worker.on("message", listener),
      // Where it has gone "exit" tells that.
      send: (message) => worker.send(message, undefined, undefined, () => {}),
    },
    {
      ready: primary.isReady,
      count: () => primary.readCounts(child),
      async started(message) {
        // What the member is typed to tell.
        told = message as Told;
        resolve(told);
      },
    },
  );
  ended.then(() => {
    told = undefined;
    resolve(undefined);
  });
  const child: Child<Told> = {
    ...{ number, started, ended, startedAt: performance.now(), pid: worker.process.pid },
    told: () => told,
    isServing: () => told !== undefined && !isLeaving,
    isReady: async () => (await ask("ready")) === true,
    leave() {
      isLeaving = true;
      ask("leave");
    },
    kill: (signal) => worker.process.kill(signal),
  };
  return child;
}
