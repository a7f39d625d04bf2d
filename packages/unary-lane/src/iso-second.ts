let last = { second: Number.NaN, text: "" };

/**
 * Writes a second of the Unix epoch by ISO 8601, in UTC: `2024-01-10T12:00:00`. The last one is
 * remembered, because most that are written in a row are of the same second.
 *
 * @param second a whole number, in the years 0 to 9999.
 */
export function formatIsoSecond(second: number): string {
  if (second !== last.second) {
    const text = new Date(second * 1000).toISOString().slice(0, "0000-00-00T00:00:00".length);
    last = { second, text };
  }
  return last.text;
}
