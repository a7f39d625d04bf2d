import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLineFile } from "../src/line-file.ts";

/** A file on a disk that has room for so many bytes more. */
const disk = { text: "", room: Number.POSITIVE_INFINITY };

function write(bytes: Buffer): number {
  const taken = bytes.subarray(0, disk.room);
  if (taken.length === 0) {
    throw new Error("ENOSPC");
  }
  disk.room -= taken.length;
  disk.text += taken.toString();
  return taken.length;
}

const endsWithinLine = () => disk.text !== "" && !disk.text.endsWith("\n");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  Object.assign(disk, { text: "", room: Number.POSITIVE_INFINITY });
});
afterEach(() => {
  vi.useRealTimers();
});

test("What a full disk has not taken whole is not taken, and what follows stands on a line of its own", () => {
  const append = createLineFile(write);
  disk.room = 6;
  expect(append(Buffer.from("one\ntwo\n"))).toBe(4);
  expect(() => append(Buffer.from("two\n"))).toThrow("ENOSPC");
  disk.room = Number.POSITIVE_INFINITY;
  expect(append(Buffer.from("other\n"))).toBe(6);
  expect(append(Buffer.from("two\n"))).toBe(4);
  expect(disk.text).toBe("one\ntw\nother\ntwo\n");
});

test("A line that another process has left torn is ended by who writes next", () => {
  const [one, other] = [
    createLineFile(write, endsWithinLine),
    createLineFile(write, endsWithinLine),
  ];
  other(Buffer.from("before\n"));
  vi.advanceTimersByTime(101);
  disk.room = 2;
  expect(() => one(Buffer.from("torn\n"))).toThrow("ENOSPC");
  disk.room = Number.POSITIVE_INFINITY;
  other(Buffer.from("other\n"));
  one(Buffer.from("torn\n"));
  expect(disk.text).toBe("before\nto\nother\ntorn\n");
});

test("After a write that went well a moment ago the file is not read", () => {
  const readEnd = vi.fn(() => false);
  const append = createLineFile(write, readEnd);
  append(Buffer.from("one\n"));
  vi.advanceTimersByTime(100);
  append(Buffer.from("two\n"));
  expect(readEnd).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(101);
  append(Buffer.from("three\n"));
  expect(readEnd).toHaveBeenCalledTimes(2);
});
