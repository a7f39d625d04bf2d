import { execFileSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type AuditLogEvent,
  auditToLog,
  createAuditLog,
  joinLogLines,
  openAuditFile,
} from "../src/index.ts";

const describeLost = (lost: number) => JSON.stringify({ lost });

let directory: string;
let path: string;
/** What the log was told: a failure and how many were lost, or that it is over. */
let told: [string | undefined, number][];
const tell = (failure: string | undefined, lost: number) => {
  told.push([failure, lost]);
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "partner-audit-"));
  path = join(directory, "audit.log");
  told = [];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true, force: true });
});

/** A disk that is full, until it is replaced. */
function fullDisk(): { makeRoom(): void } {
  symlinkSync("/dev/full", path);
  return {
    makeRoom() {
      rmSync(path);
      writeFileSync(path, "");
    },
  };
}

/** A reader of a named pipe, who takes what is there when it is told to. */
function createReader() {
  execFileSync("mkfifo", [path]);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(descriptor));
  const piece = Buffer.alloc(1024 * 1024);
  return () => piece.toString("utf8", 0, readSync(descriptor, piece));
}

function follow(): AuditLogEvent[] {
  const events: AuditLogEvent[] = [];
  const listener = (event: unknown) => {
    // What the channel is published with.
    events.push(event as AuditLogEvent);
  };
  subscribe("log-lines.audit", listener);
  onTestFinished(() => {
    unsubscribe("log-lines.audit", listener);
  });
  return events;
}

const sum = (events: readonly AuditLogEvent[]) => ({
  written: events.reduce((total, { written }) => total + written, 0),
  lost: events.reduce((total, { lost }) => total + lost, 0),
  waiting: events.at(-1)?.waiting,
  failing: events.at(-1)?.failing,
});

describe("The log of the audit trail", () => {
  test("appends to a file, in order, those that come together in one piece, and tells when they are there", async () => {
    writeFileSync(path, "before\n");
    const events = follow();
    const log = createAuditLog(openAuditFile(path), { required: false, tell, describeLost });
    const all = Promise.all([log.record("one\n", true), log.record("two\n", false)]);
    expect(readFileSync(path, "utf8")).toBe("before\n");
    expect(await all).toEqual([true, true]);
    expect(readFileSync(path, "utf8")).toBe("before\none\ntwo\n");
    expect(events).toEqual([{ written: 2, lost: 0, waiting: 0, failing: false }]);
    expect([log.close(), told]).toEqual([0, []]);
  });

  test("has handed a line over before what its caller does in a later microtask", async () => {
    const log = createAuditLog(openAuditFile(path), { required: false, tell, describeLost });
    log.record("one\n", true);
    await undefined;
    expect(readFileSync(path, "utf8")).toBe("one\n");
  });

  test("begins on a line of its own where a process left a torn one", async () => {
    writeFileSync(path, "torn");
    const log = createAuditLog(openAuditFile(path), { required: false, tell, describeLost });
    await log.record("one\n", true);
    await log.record("two\n", true);
    expect(readFileSync(path, "utf8")).toBe("torn\none\ntwo\n");
  });

  test("goes on in a new file once it is told that the old one has been moved", async () => {
    const log = createAuditLog(openAuditFile(path), { required: false, tell, describeLost });
    await log.record("one\n", true);
    renameSync(path, `${path}.1`);
    await log.record("two\n", true);
    log.reopen();
    await log.record("three\n", true);
    expect(readFileSync(`${path}.1`, "utf8")).toBe("one\ntwo\n");
    expect(readFileSync(path, "utf8")).toBe("three\n");
  });

  test("keeps the old file where the new one cannot be opened", async () => {
    const log = createAuditLog(openAuditFile(path), { required: false, tell, describeLost });
    renameSync(path, `${path}.1`);
    execFileSync("mkdir", [path]);
    expect(() => log.reopen()).toThrow("EISDIR");
    await log.record("one\n", true);
    expect(readFileSync(`${path}.1`, "utf8")).toBe("one\n");
  });

  test("keeps events while the disk is full, in no one's way, and writes them when it has room", async () => {
    const disk = fullDisk();
    const events = follow();
    const log = createAuditLog(openAuditFile(path), { required: false, tell, describeLost });
    expect(await log.record("one\n", true)).toBe(false);
    expect(await log.record("two\n", true)).toBe(false);
    expect([log.failure(), told]).toEqual(["ENOSPC", [["ENOSPC", 0]]]);
    disk.makeRoom();
    log.reopen();
    vi.advanceTimersByTime(100);
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
    expect([log.failure(), told]).toEqual([
      undefined,
      [
        ["ENOSPC", 0],
        [undefined, 0],
      ],
    ]);
    expect(sum(events)).toEqual({ written: 2, lost: 0, waiting: 0, failing: false });
  });

  test("keeps as many as there is room for, half of it for events that can be spared, counts the others, and leaves a gap that tells", async () => {
    const disk = fullDisk();
    const events = follow();
    const log = createAuditLog(openAuditFile(path), {
      required: false,
      tell,
      describeLost,
      room: 20,
    });
    await log.record("123456789\n", false);
    await log.record("spare\n", false);
    await log.record("abcdefghi\n", true);
    await log.record("x", true);
    expect(sum(events)).toEqual({
      written: 0,
      lost: 2,
      waiting: expect.any(Number),
      failing: true,
    });
    disk.makeRoom();
    log.reopen();
    vi.advanceTimersByTime(100);
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    const told = lines.flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
    expect(lines.filter((line) => !line.startsWith("{"))).toEqual(["123456789", "abcdefghi"]);
    expect(told.reduce((total, { lost }) => total + lost, 0)).toBe(2);
    expect(told[0]).toEqual({ lost: told[0].lost });
    expect(sum(events)).toMatchObject({ lost: 2, waiting: 0, failing: false });
  });

  test("waits a second for a reader that stalls before it calls that a failure", async () => {
    const read = createReader();
    const log = createAuditLog(openAuditFile(path), { required: false, tell, describeLost });
    const line = `${"x".repeat(99_999)}\n`;
    expect(await log.record(line, true)).toBe(false);
    vi.advanceTimersByTime(999);
    expect([log.failure(), told]).toEqual([undefined, []]);
    vi.advanceTimersByTime(101);
    expect(log.failure()).toBe("nobody takes them");
    let taken = read();
    vi.advanceTimersByTime(100);
    taken += read();
    expect(taken).toBe(line);
    expect([log.failure(), log.close(), told]).toEqual([
      undefined,
      0,
      [
        ["nobody takes them", 0],
        [undefined, 0],
      ],
    ]);
  });

  test("which is required has callers wait until their events are handed over", async () => {
    const read = createReader();
    const log = createAuditLog(openAuditFile(path), { required: true, tell, describeLost });
    const line = `${"x".repeat(99_999)}\n`;
    const outcomes: boolean[] = [];
    for (const text of [line, "next\n"]) {
      log.record(text, true).then((handedOver) => outcomes.push(handedOver));
      await new Promise(setImmediate);
    }
    expect(outcomes).toEqual([]);
    read();
    vi.advanceTimersByTime(100);
    await new Promise(setImmediate);
    expect(outcomes).toEqual([true, true]);
  });

  test("which is required has callers wait for a second at most", async () => {
    createReader();
    const log = createAuditLog(openAuditFile(path), { required: true, tell, describeLost });
    const outcomes: boolean[] = [];
    for (const text of [`${"x".repeat(99_999)}\n`, "next\n"]) {
      log.record(text, true).then((handedOver) => outcomes.push(handedOver));
      await new Promise(setImmediate);
    }
    vi.advanceTimersByTime(1100);
    await new Promise(setImmediate);
    expect(outcomes).toEqual([false, false]);
    expect(await log.record("at once\n", true)).toBe(false);
    expect(log.close()).toBe(3);
  });

  test("goes between the lines of the log, waits while its reader stalls, and notices when it has gone", async () => {
    let takeFirst = () => {};
    let taken = "";
    const out = new Writable({
      decodeStrings: false,
      write(text, _encoding, done) {
        takeFirst = () => {
          taken += text;
          done();
        };
      },
    });
    const lines = joinLogLines(out);
    const log = createAuditLog(auditToLog(lines), { required: false, tell, describeLost });
    lines.write("a call\n");
    expect(await log.record("an event\n", true)).toBe(true);
    lines.write(`${"x".repeat(9 * 1024 * 1024)}\n`);
    expect(await log.record("waits\n", true)).toBe(false);
    takeFirst();
    expect(taken).toBe("a call\nan event\n");
    await new Promise(setImmediate);
    takeFirst();
    vi.advanceTimersByTime(100);
    await new Promise(setImmediate);
    takeFirst();
    expect(taken.endsWith("x\nwaits\n")).toBe(true);
    out.destroy();
    expect(await log.record("to nobody\n", true)).toBe(false);
    vi.advanceTimersByTime(1100);
    expect([log.failure(), log.close()]).toEqual(["nobody takes them", 1]);
  });
});
