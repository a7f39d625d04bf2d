import { expect, test } from "vitest";
import { clip, entryOf, fitViolations } from "../src/index.ts";

const violation = (field: string) => ({
  field,
  description: "value is required",
  reason: "required",
});

test("Violations that fit are all told, in the message too", () => {
  const violations = [violation("city"), { ...violation(""), description: "is odd" }];
  expect(fitViolations(violations)).toEqual({
    message: "city (value is required) and The message (is odd)",
    violations,
  });
});

test("Of too many violations those of the first entries are told, and which entries there are", () => {
  const entries = [0, 1, 2, 4, 5].flatMap((index) =>
    Array.from({ length: 10 }, (_, number) => violation(`requests[${index}].field_${number}`)),
  );
  const { message, violations, metadata } = fitViolations(entries.toReversed());
  expect(metadata).toEqual({ violations: "50", entries: "0-2 4-5" });
  expect(new Set(violations.map(({ field }) => entryOf(field)))).toEqual(new Set([0, 1]));
  expect(violations).toHaveLength(20);
  expect(message).toMatch(/^50 violations in all - requests\[0\]/);
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(500);
});

test("An entry that does not fit by itself is told in part", () => {
  const long = Array.from({ length: 30 }, (_, number) => violation(`${number}`.padStart(300, "x")));
  const { violations, metadata } = fitViolations(long);
  expect(violations.map(({ field }) => Buffer.byteLength(field))).toEqual(Array(7).fill(200));
  expect(metadata).toEqual({ violations: "30" });
});

test.each([
  ["requests[3].city", 3],
  ["requests[12]", 12],
  ["city", undefined],
  ["partner.tags[1]", undefined],
])("The path %s leads into the entry %s", (path, entry) => {
  expect(entryOf(path)).toBe(entry);
});

test.each([
  ["Köln", 5, "Köln"],
  ["Köln", 4, "K…"],
  ["ab\ud800", 5, "ab\ufffd"],
])("%j is clipped to %s bytes", (text, bytes, clipped) => {
  expect(clip(text, bytes)).toBe(clipped);
});
