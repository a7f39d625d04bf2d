import { setTimeout as delay } from "node:timers/promises";
import type { LeveledLog } from "@partner-service/log-lines";
import { describeFailure } from "@partner-service/postgres-statements";
import type { PartnerRepository } from "../partners/partner-repository.ts";

/** When a process forgets deleted partners, in milliseconds. */
const defaultTimes = {
  /** From its start to the first time. */
  firstMs: 60_000,
  /** From one time to the next. */
  everyMs: 3_600_000,
  /** The rest before each step, in which it shows whether the process is idle. */
  restMs: 1000,
};

/** A process whose event loop has this share of its time to do is not idle. */
const busyShare = 0.5;

/**
 * Forgets partners that were deleted so many days ago, in steps, each after a rest in which the process
 * was idle, until the signal aborts. What a busy process leaves, another one removes.
 *
 * @returns a promise of its end, which does not reject.
 */
export async function purgeWhileIdle(
  partners: Pick<PartnerRepository, "purge">,
  retentionDays: number,
  log: Pick<LeveledLog, "info" | "warn">,
  signal: AbortSignal,
  { firstMs, everyMs, restMs } = defaultTimes,
): Promise<void> {
  const pause = (ms: number) => delay(ms, undefined, { signal, ref: false });

  async function rest(): Promise<void> {
    for (;;) {
      const before = performance.eventLoopUtilization();
      await pause(restMs);
      if (performance.eventLoopUtilization(before).utilization < busyShare) {
        return;
      }
    }
  }

  async function purgeAll(): Promise<void> {
    let removed = 0;
    try {
      for (let last = 1; last > 0; removed += last) {
        await rest();
        last = await partners.purge(retentionDays, signal);
      }
    } finally {
      if (removed > 0) {
        log.info({ removed }, "forgot deleted partners");
      }
    }
  }

  for (let waitMs = firstMs; !signal.aborted; waitMs = everyMs) {
    try {
      // Processes that were started together come one after the other.
      await pause(waitMs * (1 - Math.random() / 2));
      await purgeAll();
    } catch (failure) {
      if (!signal.aborted) {
        log.warn({ reason: describeFailure(failure) }, "could not forget deleted partners");
      }
    }
  }
}
