import cluster from "node:cluster";
import { randomUUID } from "node:crypto";
import { exchangeQuestions } from "./questions.ts";

/** What a process tells once it serves. */
interface Started {
  readonly url: string;
  readonly metricsUrl?: string;
  /** What a person reads, in the sandbox. */
  readonly welcome?: string;
}

interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A process of the service. */
export interface Child {
  /** Whose place it has, from 1 on. */
  readonly number: number;
  readonly pid: number | undefined;
  readonly startedAt: number;
  /** Undefined where it ends before it serves. */
  readonly started: Promise<Started | undefined>;
  readonly ended: Promise<Outcome>;
  /** What it told when it began to serve; undefined before, and from when it is to leave on. */
  serving(): Started | undefined;
  /** Where it tells its metrics, from when it serves to its end. */
  metricsUrl(): string | undefined;
  isReady(): Promise<boolean>;
  /** Has it end while another one has its place. */
  leave(): void;
  kill(signal: NodeJS.Signals): void;
}

/** What processes ask the primary. */
export interface Primary {
  /** Whether the whole service is ready. */
  isReady(): Promise<boolean>;
  /** Reads what a process has counted, which is about to end. */
  readMetrics(child: Child): Promise<void>;
}

/** Starts a process of the service, with the settings and flags of this one. */
export function startChild(number: number, primary: Primary): Child {
  // By this OTLP tells processes apart. What is named last counts.
  const { OTEL_RESOURCE_ATTRIBUTES: attributes = "" } = process.env;
  const instance = `service.instance.id=${randomUUID()}`;
  const worker = cluster.fork({
    OTEL_RESOURCE_ATTRIBUTES: attributes === "" ? instance : `${attributes},${instance}`,
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<Outcome>();
  worker.on("exit", (code, signal) => end({ code, signal }));
  // The system does not let it start.
  worker.on("error", () => end({ code: null, signal: null }));
  const { promise: started, resolve } = Promise.withResolvers<Started | undefined>();
  let isLeaving = false;
  let told: Started | undefined;
  const ask = exchangeQuestions(
    {
      onMessage: (listener) => worker.on("message", listener),
      // Where it has gone "exit" tells that.
      send: (message) => worker.send(message, undefined, undefined, () => {}),
    },
    {
      ready: primary.isReady,
      count: () => primary.readMetrics(child),
      async started(message) {
        // What src/processes/worker.ts tells.
        told = message as Started;
        resolve(told);
      },
    },
  );
  ended.then(() => {
    told = undefined;
    resolve(undefined);
  });
  const child: Child = {
    ...{ number, started, ended, startedAt: performance.now(), pid: worker.process.pid },
    serving: () => (isLeaving ? undefined : told),
    metricsUrl: () => told?.metricsUrl,
    isReady: async () => (await ask("ready")) === true,
    leave() {
      isLeaving = true;
      ask("leave");
    },
    kill: (signal) => worker.process.kill(signal),
  };
  return child;
}
