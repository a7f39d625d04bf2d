/** The time now, in what the database can hold: whole microseconds. */
export function currentInstant(): Temporal.Instant {
  return Temporal.Now.instant().round({ smallestUnit: "microsecond", roundingMode: "floor" });
}
