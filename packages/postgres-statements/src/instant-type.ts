import { Type } from "@mikro-orm/core";

/**
 * Maps `timestamptz(6)` to `Temporal.Instant` and back, to the microsecond.
 *
 * A JavaScript Date has milliseconds only, so neither driver may parse the column: both hand over
 * PostgreSQL's text, in whatever time zone the session has. What PostgreSQL can hold and the
 * contract cannot (`infinity`, years BC or of five digits), and what the column cannot hold
 * (nanoseconds), is refused rather than altered.
 */
export class InstantType extends Type<Temporal.Instant | null, string | null> {
  override convertToDatabaseValue(value: Temporal.Instant | null): string | null {
    return value === null ? null : formatInstant(value);
  }

  override convertToJSValue(value: string | null): Temporal.Instant | null {
    return value === null ? null : parseInstant(value);
  }

  override compareAsType(): string {
    return "string";
  }

  override ensureComparable(): boolean {
    // PostgreSQL's text of an instant differs from ours; only ours compares.
    return true;
  }

  override toJSON(value: Temporal.Instant | null): string | null {
    return this.convertToDatabaseValue(value);
  }

  override getColumnType(): string {
    return "timestamptz(6)";
  }
}

/** What PostgreSQL writes with a year of four digits, AD, in every time zone. */
const first = Temporal.Instant.from("0002-01-01T00:00:00Z").epochNanoseconds;
const last = Temporal.Instant.from("9998-12-31T23:59:59.999999Z").epochNanoseconds;

/**
 * Writes an instant as PostgreSQL reads it.
 *
 * @throws RangeError when it has nanoseconds, or lies outside the years 2 to 9998.
 */
export function formatInstant(instant: Temporal.Instant): string {
  const epochNanoseconds = nanosecondsInRange(instant);
  const second = Math.floor(instant.epochMilliseconds / 1000);
  const nanoseconds = Number(epochNanoseconds - BigInt(second) * 1_000_000_000n);
  if (nanoseconds % 1000 !== 0) {
    throw new RangeError(`The instant ${instant} is finer than a microsecond.`);
  }
  const fraction = String(nanoseconds / 1000).padStart(6, "0");
  // What is joined stays in pieces, of which V8 makes JSON in a slow way: in upper case, as it is already, it is whole.
  return `${formatIsoSecond(second)}.${fraction}Z`.toUpperCase();
}

/**
 * Reads an instant as PostgreSQL writes it (DateStyle ISO, its default): `2024-01-10
 * 12:00:00.123456+00`, the offset being that of the session's time zone.
 *
 * @throws RangeError when it is anything else, or lies outside the years 2 to 9998.
 */
export function parseInstant(text: string): Temporal.Instant {
  const instant = Temporal.Instant.from(text);
  nanosecondsInRange(instant);
  return instant;
}

function nanosecondsInRange(instant: Temporal.Instant): bigint {
  const { epochNanoseconds } = instant;
  if (epochNanoseconds < first || epochNanoseconds > last) {
    throw new RangeError(`The instant ${instant} lies outside the years 2 to 9998.`);
  }
  return epochNanoseconds;
}

let lastWritten = { second: Number.NaN, text: "" };

/**
 * Writes a second of the Unix epoch by ISO 8601, in UTC: `2024-01-10T12:00:00`. The last one is
 * remembered, because most that are written in a row are of the same second.
 *
 * @param second a whole number, in the years 0 to 9999.
 */
export function formatIsoSecond(second: number): string {
  if (second !== lastWritten.second) {
    const text = new Date(second * 1000).toISOString().slice(0, "0000-00-00T00:00:00".length);
    lastWritten = { second, text };
  }
  return lastWritten.text;
}
