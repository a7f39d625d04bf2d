import { PassThrough } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { joinLogLines } from "../src/log-lines.ts";

test("the lines of one turn of the event loop are written in one piece", async () => {
  const out = new PassThrough({ encoding: "utf8" });
  const pieces: string[] = [];
  out.on("data", (piece: string) => pieces.push(piece));
  const lines = joinLogLines(out);
  lines.write("one\n");
  lines.write("two\n");
  await setImmediate();
  lines.write("three\n");
  lines.flush();
  await setImmediate();
  expect(pieces).toEqual(["one\ntwo\n", "three\n"]);
});

test("an error that is not the reader's going is not swallowed", () => {
  const out = new PassThrough();
  joinLogLines(out);
  expect(() => out.emit("error", new Error("The disk is full."))).toThrow("The disk is full.");
});
