import { expect, test } from "vitest";
import { createSealing } from "../src/index.ts";

const { seal, open, isForeign } = createSealing("a secret of the tests", "tests 1");
const [context, value] = [["orders of", "ada"], { after: "2024-01-10", id: 7 }] as const;

test("A value comes back for its context, and for no other", () => {
  const token = seal(context, value);
  expect(token).not.toContain("2024");
  expect(open(context, token)).toEqual(value);
  expect(open(["orders of", "grace"], token)).toBeUndefined();
  expect(isForeign(token)).toBe(false);
});

test("The same value for the same context is the same token, and another is another", () => {
  expect(seal(context, value)).toBe(seal(context, { ...value }));
  expect(seal(context, { ...value, id: 8 })).not.toBe(seal(context, value));
});

test("A token that is changed anywhere, or cut, is none", () => {
  const bytes = Buffer.from(seal(context, value), "base64url");
  for (const index of bytes.keys()) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
    expect(open(context, changed.toString("base64url"))).toBeUndefined();
    expect(open(context, bytes.subarray(0, index).toString("base64url"))).toBeUndefined();
  }
  expect(open(context, `${seal(context, value)}=`)).toBeUndefined();
});

test.each([
  ["of another secret", createSealing("another secret here", "tests 1")],
  ["for another use", createSealing("a secret of the tests", "tests 2")],
])("A token %s is foreign", (_of, other) => {
  const token = other.seal(context, value);
  expect(open(context, token)).toBeUndefined();
  expect(isForeign(token)).toBe(true);
  expect(isForeign("no token")).toBe(false);
});
