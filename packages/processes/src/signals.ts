type Tell = (fields: object, message: string) => void;

/** The log of a process, as far as it is about the process itself. */
interface ProcessLog {
  readonly info: Tell;
  readonly warn: Tell;
  readonly error: Tell;
  readonly fatal: Tell;
}

/** What signals act on. */
interface Running {
  readonly log: ProcessLog;
  /** Stops, and tells whether all calls were answered. */
  stop(): Promise<boolean>;
  /** Takes up files that have changed. */
  reload(): void;
}

/** How soon a second signal may be the first one's echo: npm hands on the Ctrl-C that both have got. */
const echoMs = 1000;

/**
 * SIGTERM and SIGINT stop the service, and end a process that has not started yet at once; a second
 * one, after a second, ends it whatever is in flight. SIGHUP has files that have changed taken up, by a process
 * that has not started yet as soon as it has; but where a terminal has hung up, it stops the service as well.
 *
 * close-with-grace would end on each SIGHUP, on the echo of a Ctrl-C, and with 0 where calls were cut.
 */
export function listenToSignals() {
  let running: Running | undefined;
  let signalledAt: number | undefined;
  let isEnding = false;
  let isReloadDue = false;

  /** Ends the process in the given way, for a cause that is no signal. */
  function end(cause: string, stop: () => Promise<boolean>): void {
    if (isEnding) {
      return;
    }
    isEnding = true;
    running?.log.info({ signal: cause }, "stopping");
    stop().then(
      (clean) => {
        running?.log.info({ clean }, "stopped");
        process.exit(clean ? 0 : 1);
      },
      (failure: unknown) => {
        running?.log.fatal({ err: failure }, "could not stop");
        process.exit(1);
      },
    );
  }

  function stop(signal: NodeJS.Signals): void {
    if (running === undefined) {
      process.exit(0);
    }
    if (signalledAt === undefined) {
      signalledAt = performance.now();
      end(signal, running.stop);
    } else if (performance.now() - signalledAt > echoMs) {
      running.log.warn({ signal }, "ended before all calls were answered");
      process.exit(1);
    }
  }

  function reload(signal: NodeJS.Signals): void {
    if (process.stdout.isTTY) {
      stop(signal);
      return;
    }
    isReloadDue = running === undefined;
    running?.reload();
  }

  process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", reload);
  return {
    /** What they act on from now on; before that they end a process that has not started yet. */
    serve(started: Running): void {
      running = started;
      if (isReloadDue) {
        running.reload();
      }
    },
    end,
  };
}
