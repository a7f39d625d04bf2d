/** The time now, in what the database can hold: whole microseconds. */
export function currentInstant(): Temporal.Instant {
  const { epochNanoseconds } = Temporal.Now.instant();
  return new Temporal.Instant(epochNanoseconds - (epochNanoseconds % 1000n));
}
