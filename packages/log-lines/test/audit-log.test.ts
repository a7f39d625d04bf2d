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
    const log = createAuditLog(openAuditFile(path), { tell, describeLost });
    log.record("one\n", true);
    log.record("two\n", false);
    expect(readFileSync(path, "utf8")).toBe("before\n");
    expect(await log.handedOver()).toBe(true);
    expect(readFileSync(path, "utf8")).toBe("before\none\ntwo\n");
    expect(events).toEqual([{ written: 2, lost: 0, waiting: 0, failing: false }]);
    expect([log.close(), told]).toEqual([0, []]);
  });

  test("has handed a line over before what its caller does in a later microtask", async () => {
    const log = createAuditLog(openAuditFile(path), { tell, describeLost });
    log.record("one\n", true);
    await undefined;
    expect(readFileSync(path, "utf8")).toBe("one\n");
  });

  test("begins on a line of its own where a process left a torn one", async () => {
    writeFileSync(path, "torn");
    const log = createAuditLog(openAuditFile(path), { tell, describeLost });
    log.record("one\n", true);
    await undefined;
    log.record("two\n", true);
    await undefined;
    expect(readFileSync(path, "utf8")).toBe("torn\none\ntwo\n");
  });

  test("goes on in a new file once it is told that the old one has been moved", async () => {
    const log = createAuditLog(openAuditFile(path), { tell, describeLost });
    log.record("one\n", true);
    await undefined;
    renameSync(path, `${path}.1`);
    log.record("two\n", true);
    await undefined;
    log.reopen();
    log.record("three\n", true);
    await undefined;
    expect(readFileSync(`${path}.1`, "utf8")).toBe("one\ntwo\n");
    expect(readFileSync(path, "utf8")).toBe("three\n");
  });

  test("keeps the old file where the new one cannot be opened", async () => {
    const log = createAuditLog(openAuditFile(path), { tell, describeLost });
    renameSync(path, `${path}.1`);
    execFileSync("mkdir", [path]);
    expect(() => log.reopen()).toThrow("EISDIR");
    log.record("one\n", true);
    await undefined;
    expect(readFileSync(`${path}.1`, "utf8")).toBe("one\n");
  });

  test("keeps events while the disk is full, in no one's way, and writes them when it has room", async () => {
    const disk = fullDisk();
    const events = follow();
    const log = createAuditLog(openAuditFile(path), { tell, describeLost });
    log.record("one\n", true);
    expect(await log.handedOver()).toBe(false);
    log.record("two\n", true);
    expect(await log.handedOver()).toBe(false);
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
    const log = createAuditLog(openAuditFile(path), { tell, describeLost, room: 20 });
    log.record("123456789\n", false);
    await undefined;
    log.record("spare\n", false);
    await undefined;
    log.record("abcdefghi\n", true);
    await undefined;
    log.record("x", true);
    await undefined;
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

  test("tells at once of a line that there is never room for, and takes the next", async () => {
    const log = createAuditLog(openAuditFile(path), { tell, describeLost, room: 20 });
    log.record(`${"x".repeat(20)}\n`, true);
    expect([log.failure(), await log.handedOver()]).toEqual([
      "no room is left for those that wait",
      false,
    ]);
    log.record("one\n", true);
    expect([log.failure(), await log.handedOver()]).toEqual([undefined, true]);
    expect(readFileSync(path, "utf8")).toBe('{"lost":1}\none\n');
  });

  test("waits a second for a reader that stalls before it calls that a failure", async () => {
    const read = createReader();
    const log = createAuditLog(openAuditFile(path), { tell, describeLost });
    const line = `${"x".repeat(99_999)}\n`;
    log.record(line, true);
    await undefined;
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

  test("has those who ask wait until their lines are handed over", async () => {
    const read = createReader();
    const log = createAuditLog(openAuditFile(path), { tell, describeLost });
    const outcomes: boolean[] = [];
    for (const letter of ["x", "y"]) {
      // More than the pipe takes.
      log.record(`${letter.repeat(99_999)}\n`, true);
      log.handedOver().then((handedOver) => outcomes.push(handedOver));
      await new Promise(setImmediate);
    }
    expect(outcomes).toEqual([]);
    read();
    vi.advanceTimersByTime(100);
    await new Promise(setImmediate);
    expect(outcomes).toEqual([true]);
    for (let round = 0; round < 2; round += 1) {
      read();
      vi.advanceTimersByTime(100);
      await new Promise(setImmediate);
    }
    expect(outcomes).toEqual([true, true]);
  });

  test("has those who ask wait for a second at most", async () => {
    createReader();
    const log = createAuditLog(openAuditFile(path), { tell, describeLost });
    const outcomes: boolean[] = [];
    for (const text of [`${"x".repeat(99_999)}\n`, "next\n"]) {
      log.record(text, true);
      log.handedOver().then((handedOver) => outcomes.push(handedOver));
      await new Promise(setImmediate);
    }
    vi.advanceTimersByTime(1100);
    await new Promise(setImmediate);
    expect(outcomes).toEqual([false, false]);
    log.record("at once\n", true);
    expect(await log.handedOver()).toBe(false);
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
    const log = createAuditLog(auditToLog(lines), { tell, describeLost });
    lines.write("a call\n");
    log.record("an event\n", true);
    expect(await log.handedOver()).toBe(true);
    lines.write(`${"x".repeat(9 * 1024 * 1024)}\n`);
    log.record("waits\n", true);
    const outcomes: boolean[] = [];
    log.handedOver().then((handedOver) => outcomes.push(handedOver));
    await undefined;
    takeFirst();
    takeFirst();
    expect(taken).toBe("a call\nan event\n");
    await new Promise(setImmediate);
    expect(outcomes).toEqual([]);
    takeFirst();
    vi.advanceTimersByTime(100);
    await new Promise(setImmediate);
    takeFirst();
    expect([taken.endsWith("x\nwaits\n"), outcomes]).toEqual([true, [true]]);
    out.destroy();
    log.record("to nobody\n", true);
    await undefined;
    vi.advanceTimersByTime(1100);
    expect([log.failure(), log.close()]).toEqual(["nobody takes them", 1]);
  });
});
