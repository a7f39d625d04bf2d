import cluster from "node:cluster";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config.ts";
import { joinLogLines, openLogOutput } from "../log-lines.ts";
import { listenToSignals } from "../signals.ts";
import { type Child, startChild } from "./child.ts";
import { createLog } from "./primary-log.ts";
import { serveSummedMetrics } from "./summed-metrics.ts";

/** What one process after the other has. */
interface Place {
  readonly number: number;
  child: Child;
}

/** How long is waited before a process that ended is followed by another, at first and at most. */
const firstDelayMs = 100;
const longestDelayMs = 30_000;
/** A process that has lived so long was well. */
const steadyMs = 60_000;

/**
 * Runs as many processes as PROCESSES says. They share the socket that listens, which stays open while
 * one of them goes: what waits on it others accept.
 *
 * Where the first one does not start, it has said why, and this process ends with its exit code.
 *
 * @throws StartError where METRICS_PORT cannot be listened on
 */
export async function runProcesses(config: Config): Promise<void> {
  cluster.setupPrimary({ exec: join(import.meta.dirname, "worker.ts"), args: [] });
  const lines = joinLogLines(openLogOutput(process.stdout));
  process.once("exit", lines.flush);
  const log = createLog(config.logLevel, lines);
  const signals = listenToSignals();
  const metrics = await serveSummedMetrics(config);
  const places: Place[] = [];
  /** All that have not ended: also one that is to have a place, or has had one. */
  const children = new Set<Child>();
  let isComplete = false;
  let isStopping = false;
  let replacing = Promise.resolve();

  function start(number: number): Child {
    const child = startChild(number, { isReady, readMetrics: metrics.read });
    children.add(child);
    metrics.follow(child);
    child.ended.then(() => children.delete(child));
    child.started.then(tellOnceComplete);
    return child;
  }

  const serving = () => places.filter(({ child }) => child.serving() !== undefined);

  function tellOnceComplete(): void {
    const [started] = places.map(({ child }) => child.serving());
    if (isComplete || started === undefined || serving().length < config.processes) {
      return;
    }
    isComplete = true;
    if (metrics.url !== undefined) {
      log.info({ url: metrics.url }, "metrics");
    }
    if (started.welcome === undefined) {
      log.info({ url: started.url, processes: config.processes }, "ready");
    } else {
      lines.write(started.welcome);
    }
  }

  /** Whichever is asked speaks for all, since a call may come to any of them. */
  async function isReady(): Promise<boolean> {
    const asked = isStopping || !isComplete ? [] : serving();
    const answers = await Promise.all(asked.map(({ child }) => child.isReady()));
    return !isStopping && answers.length > 0 && answers.every(Boolean);
  }

  /** Has another process follow each that ends in the place. */
  async function keep(place: Place): Promise<void> {
    let delayMs = firstDelayMs;
    while (!isStopping) {
      const { child } = place;
      const { code, signal } = await child.ended;
      if (isStopping || place.child !== child) {
        continue;
      }
      delayMs = performance.now() - child.startedAt >= steadyMs ? firstDelayMs : delayMs;
      log.error(
        { process: child.pid, code, signal, delayMs },
        "process ended, another one follows",
      );
      await delay(delayMs);
      delayMs = Math.min(2 * delayMs, longestDelayMs);
      // SIGHUP may have been quicker.
      if (!isStopping && place.child === child) {
        place.child = start(place.number);
      }
    }
  }

  /** Gives each place to a new process, one after the other; the old one leaves once that serves. */
  async function replace(): Promise<void> {
    for (const place of serving()) {
      const { child: old } = place;
      const next = start(place.number);
      if ((await next.started) === undefined) {
        if (!isStopping) {
          log.error({ process: next.pid }, "new process does not start, the old ones stay");
        }
        return;
      }
      if (place.child !== old) {
        // The old one has ended by itself, and has been followed.
        next.leave();
        continue;
      }
      place.child = next;
      old.leave();
      await old.ended;
      log.info({ process: next.pid, replaced: old.pid }, "process replaced");
    }
  }

  // It finds out for all whether the database is there and the settings can be used.
  const first = start(1);
  if ((await first.started) === undefined) {
    const { code } = await first.ended;
    process.exit(code ?? 1);
  }
  places.push({ number: 1, child: first });
  for (let number = 2; number <= config.processes; number += 1) {
    places.push({ number, child: start(number) });
  }
  for (const place of places) {
    keep(place);
  }
  signals.serve({
    log,
    async stop() {
      isStopping = true;
      const ending = [...children];
      for (const child of ending) {
        child.kill("SIGTERM");
      }
      const outcomes = await Promise.all(ending.map(({ ended }) => ended));
      metrics.close();
      return outcomes.every(({ code }) => code === 0);
    },
    reload() {
      for (const { child } of serving()) {
        child.kill("SIGHUP");
      }
      replacing = replacing.then(replace);
    },
  });
}
