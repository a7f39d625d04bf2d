import type { Violation } from "./violation.ts";

/**
 * How many violations an error names at most, and in how many bytes: gRPC carries them in trailers,
 * of which clients take 8 KiB in all. There bytes become more: a third by base64 in the details, which
 * repeat the message, and up to three times as many in the message itself.
 */
const maxViolations = 25;
const maxViolationBytes = 3000;
/** Of an entry that does not fit by itself: 400 bytes each at the longest. */
const maxViolationsOfLongEntry = 7;
const maxMessageBytes = 500;

/** What an error says of violations: a message for people, and details for programs. */
export interface FittingViolations {
  readonly message: string;
  readonly violations: readonly Violation[];
  /** Where some are left out: how many there are in all, and in which entries: `{ violations: "40", entries: "0 3-7" }`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Makes violations fit into one error. Where there are too many, it has all of the first entries of a list, as
 * far as they fit, and says how many there are in all, and in which entries.
 */
export function fitViolations(all: readonly Violation[]): FittingViolations {
  const byEntry = Map.groupBy(all, ({ field }) => entryOf(field));
  const violations: Violation[] = [];
  let bytes = 0;
  // What the decoding found comes before what the rules did.
  const groups = [...byEntry].sort(([a = -1], [b = -1]) => a - b);
  for (const [, group] of groups) {
    const clipped = group.slice(0, maxViolations).map(({ field, description, reason }) => {
      return { field: clip(field, 200), description: clip(description, 200), reason };
    });
    for (const violation of clipped) {
      bytes += 8 + Buffer.byteLength(Object.values(violation).join(""));
    }
    const fits = bytes <= maxViolationBytes && violations.length + clipped.length <= maxViolations;
    if (!fits && violations.length > 0) {
      break;
    }
    violations.push(...(fits ? clipped : clipped.slice(0, maxViolationsOfLongEntry)));
  }
  // Without colons, commas and semicolons: grpc-js does not decode their percent-encoded form.
  const message = violations
    .map(({ field, description }) => `${field || "The message"} (${description})`)
    .join(" and ");
  const indexes = groups.flatMap(([index]) => index ?? []);
  const total = {
    violations: String(all.length),
    ...(indexes.length > 0 ? { entries: joinRanges(indexes) } : {}),
  };
  const whole = violations.length === all.length;
  return {
    message: clip(
      whole ? message : `${all.length} violations in all - ${message}`,
      maxMessageBytes,
    ),
    violations,
    ...(whole ? {} : { metadata: total }),
  };
}

/** The index of the entry of a list in the request that a path leads into: 3 for `requests[3].city`. */
export function entryOf(path: string): number | undefined {
  const index = /^\w+\[(\d+)\]/.exec(path)?.[1];
  return index === undefined ? undefined : Number(index);
}

/** Numbers that grow, in a short text: `0 3-7`. */
function joinRanges(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) {
      last[1] = number;
    } else {
      ranges.push([number, number]);
    }
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(" ");
}

/**
 * The text, or as much of its beginning as fits into so many bytes of UTF-8. Halves of characters,
 * which V8 and callers leave when they cut a text, have no UTF-8, and cannot be sent.
 */
export function clip(given: string, maxBytes: number): string {
  const text = given.toWellFormed();
  if (Buffer.byteLength(text) <= maxBytes) {
    return text;
  }
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes - 3));
  return `${text.slice(0, read)}…`;
}

/** What a caller has sent, as far as that is repeated to it. */
export function echo(text: string): string {
  return clip(text, 64);
}
