import { HealthCheckResponse_ServingStatus as ServingStatus } from "../gen/grpc/health/v1/health_pb.ts";
import type { Readiness } from "./readiness.ts";

/** What any number of watchers look at. */
export interface StatusLoop {
  /** Looks now. */
  look(): Promise<ServingStatus>;
  /** The status as it was last seen; where nobody has watched so far, it is looked up. */
  status(): Promise<ServingStatus>;
  /** Settles when the status is not the one that is given, on draining, or when the signal aborts. */
  change(seen: ServingStatus, signal: AbortSignal): Promise<void>;
  /** Begins to watch; the answer ends it. */
  join(): () => void;
}

/** Makes one loop for all watchers. It runs while there are any. */
export function createStatusLoop({ isReady, draining }: Readiness, intervalMs: number): StatusLoop {
  const waiting = new Set<() => void>();
  let watchers = 0;
  let timer: NodeJS.Timeout | undefined;
  let last: ServingStatus | undefined;

  async function look(): Promise<ServingStatus> {
    const ready = !draining.aborted && (await isReady().catch(() => false));
    return ready && !draining.aborted ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  async function refresh(): Promise<ServingStatus> {
    const status = await look();
    if (status !== last) {
      last = status;
      wakeAll();
    }
    return status;
  }

  function wakeAll(): void {
    for (const wake of [...waiting]) {
      wake();
    }
  }

  draining.addEventListener("abort", () => {
    last = ServingStatus.NOT_SERVING;
    wakeAll();
  });

  return {
    look,
    status: async () => last ?? (await refresh()),
    change: (seen, signal) =>
      new Promise((resolve) => {
        function wake(): void {
          if (last !== seen || draining.aborted || signal.aborted) {
            waiting.delete(wake);
            signal.removeEventListener("abort", wake);
            resolve();
          }
        }
        waiting.add(wake);
        signal.addEventListener("abort", wake);
        wake();
      }),
    join() {
      watchers += 1;
      timer ??= setInterval(refresh, intervalMs).unref();
      return () => {
        watchers -= 1;
        if (watchers === 0) {
          clearInterval(timer);
          timer = undefined;
          last = undefined;
        }
      };
    },
  };
}
