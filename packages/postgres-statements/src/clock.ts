import { channel } from "node:diagnostics_channel";

/** Tells that this machine's clock is found wrong, or right again, as a ClockEvent. */
const compared = channel("postgres-statements.clock");

export interface ClockEvent {
  /** How far the database's clock is ahead of this machine's, in milliseconds; 0: as far as it may be. */
  readonly aheadMs: number;
}

/** Clocks that are kept by NTP differ by less. */
const toleratedMs = 1000;

export type Clock = ReturnType<typeof createClock>;

/**
 * Makes what tells the time: this machine's clock until it is compared with the database's. That is the
 * standard, since all processes have it in common: ids that grow with time, and times, would else come in
 * another order than that of the changes.
 */
export function createClock() {
  let aheadMs = 0;

  function publish(): void {
    const event: ClockEvent = { aheadMs };
    compared.publish(event);
  }

  return {
    /** The time now, in what the database can hold: whole microseconds. */
    now(): Temporal.Instant {
      const { epochNanoseconds } = Temporal.Now.instant();
      const ahead = BigInt(aheadMs) * 1_000_000n;
      return new Temporal.Instant(epochNanoseconds - (epochNanoseconds % 1000n) + ahead);
    },
    /** The same, in milliseconds since 1970. */
    milliseconds: () => Date.now() + aheadMs,
    /**
     * Sets the clock by what the database's was at some time between two of this machine's, which are
     * without correction.
     */
    compare(askedAt: number, databaseMs: number, answeredAt: number): void {
      // The least by which they differ, however long the answer took.
      const least = Math.max(0, databaseMs - answeredAt) + Math.min(0, databaseMs - askedAt);
      // What has been corrected stays so until it is well within.
      const mayDiffer = aheadMs === 0 ? toleratedMs : toleratedMs / 2;
      const found = Math.abs(least) > mayDiffer ? Math.round(least) : 0;
      if (Math.abs(found - aheadMs) > toleratedMs / 2) {
        aheadMs = found;
        publish();
      }
    },
    /** Tells of the correction once more, where there is one, for those who listen only now. */
    tell(): void {
      if (aheadMs !== 0) {
        publish();
      }
    },
  };
}
