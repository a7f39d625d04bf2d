import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLineFile, type Lines } from "../src/line-file.ts";

/** A file on a disk that has room for so many bytes more. */
const disk = { text: "", room: Number.POSITIVE_INFINITY };

function write(lines: Lines): number {
  const taken = Buffer.from(lines).subarray(0, disk.room);
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
  // As many bytes as there are characters, of which some take more.
  disk.room = 8;
  const left = append("ö😀\ntwo\n");
  expect(left).toEqual(Buffer.from("two\n"));
  expect(() => append(left)).toThrow("ENOSPC");
  disk.room = Number.POSITIVE_INFINITY;
  expect(append("other\n")).toBe("");
  expect(append(left)).toBe("");
  expect(disk.text).toBe("ö😀\nt\nother\ntwo\n");
});

test("A line that another process has left torn is ended by who writes next", () => {
  const [one, other] = [
    createLineFile(write, endsWithinLine),
    createLineFile(write, endsWithinLine),
  ];
  other("before\n");
  vi.advanceTimersByTime(101);
  disk.room = 2;
  expect(() => one("torn\n")).toThrow("ENOSPC");
  disk.room = Number.POSITIVE_INFINITY;
  other("other\n");
  one("torn\n");
  expect(disk.text).toBe("before\nto\nother\ntorn\n");
});

test("After a write that went well a moment ago the file is not read", () => {
  const readEnd = vi.fn(() => false);
  const append = createLineFile(write, readEnd);
  append("one\n");
  vi.advanceTimersByTime(100);
  append("two\n");
  expect(readEnd).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(101);
  append("three\n");
  expect(readEnd).toHaveBeenCalledTimes(2);
});
