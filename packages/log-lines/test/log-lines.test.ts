import { PassThrough, Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { createLineFile } from "../src/line-file.ts";
import { createFileOutput, joinLogLines, maxWaiting, openLogLines } from "../src/log-lines.ts";

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

const warning = (lines: number) => ({
  level: 40,
  time: expect.any(Number),
  lines,
  msg: "log lines lost",
});

test("lines wait for a reader that stalls as far as there is room, and it is told how many were lost", async () => {
  const { out, taken, takeOne } = stalledPipe();
  const lines = joinLogLines(out);
  lines.write("x".repeat(maxWaiting - 1));
  lines.write("\n");
  lines.write("lost\n");
  await setImmediate();
  lines.write("lost too\n");

  await takeOne();
  await takeOne();

  expect([taken.length, taken[0]?.length]).toEqual([2, maxWaiting]);
  expect(JSON.parse(taken[1] ?? "")).toEqual(warning(2));
});

test("a reader that takes some of what waits is told of what was lost before it gets the next line", async () => {
  const { out, taken, takeOne } = stalledPipe();
  const lines = joinLogLines(out);
  for (let half = 0; half < 2; half += 1) {
    lines.write("x".repeat(maxWaiting / 2));
    await setImmediate();
  }
  lines.write("lost\n");
  await takeOne();
  lines.write("next\n");
  await setImmediate();
  await takeOne();
  await takeOne();

  const [lost = "", next] = taken[2]?.split("\n") ?? [];
  expect([taken.length, JSON.parse(lost), next]).toEqual([3, warning(1), "next"]);
});

test("lines are counted while the disk is full, also where one has got through in part", async () => {
  let room = Number.POSITIVE_INFINITY;
  let file = "";
  const lines = joinLogLines(
    createFileOutput(
      createLineFile((lines) => {
        const taken = Buffer.from(lines).subarray(0, Math.min(room, 4));
        if (taken.length === 0) {
          throw Object.assign(new Error("The disk is full."), { code: "ENOSPC" });
        }
        room -= taken.length;
        file += taken.toString();
        return taken.length;
      }),
    ),
  );
  lines.write("one\n");
  lines.flush();
  room = 2;
  lines.write("torn\n");
  lines.write("lost\n");
  lines.flush();
  lines.write("lost too\n");
  lines.flush();
  room = Number.POSITIVE_INFINITY;
  lines.write("last\n");
  lines.flush();
  const [one, torn, lost = "", last, ...more] = file.split("\n");
  expect([one, torn, JSON.parse(lost), last, more]).toEqual([
    ...["one", "to", warning(3), "last"],
    [""],
  ]);
});

test("a log on a device that is full does not end the process", async () => {
  const { openSync, closeSync } = await import("node:fs");
  const fd = openSync("/dev/full", "w");
  const lines = openLogLines(Object.assign(new PassThrough(), { fd }));
  lines.write("lost\n");
  lines.flush();
  await setImmediate();
  closeSync(fd);
});

/** A pipe whose reader takes what is first in line when it is told to. */
function stalledPipe() {
  const taken: string[] = [];
  let takeFirst = () => {};
  const out = new Writable({
    decodeStrings: false,
    write(text, _encoding, done) {
      takeFirst = () => {
        taken.push(text);
        done();
      };
    },
  });
  async function takeOne(): Promise<void> {
    takeFirst();
    // What its event has the log write comes at the end of a turn.
    await setImmediate();
    await setImmediate();
  }
  return { out, taken, takeOne };
}
