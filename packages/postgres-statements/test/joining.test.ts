import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createJoining, type JoinedCall, type JoiningLimits } from "../src/index.ts";

const { signal } = new AbortController();

const overloaded = { name: "OverloadedError" };

/** A joining whose statements end when the test ends them. */
function startJoining(limits: Partial<JoiningLimits> = {}) {
  const statements: JoinedCall<string, string>[][] = [];
  const ends: (() => void)[] = [];
  const add = createJoining<string, string>(
    (entries) => {
      statements.push([...entries]);
      return new Promise((resolve) => {
        ends.push(() => {
          for (const { item, resolve: answer } of entries) {
            answer(`did ${item}`);
          }
          resolve();
        });
      });
    },
    { statements: 1, callsPerStatement: 10, waiting: 10, waitMs: 60_000, ...limits },
  );
  return {
    add: (name: string, itsSignal = signal) => add(name, itsSignal),
    names: () => statements.map((entries) => entries.map(({ item }) => item).join("")),
    /** Ends the oldest statement that is under way, and waits until the next one could start. */
    async endStatement() {
      ends.shift()?.();
      await turn();
      await turn();
    },
  };
}

test("What is asked for in one turn of the event loop goes together at its end", async () => {
  const { add, names, endStatement } = startJoining();
  const answers = Promise.all(["a", "b", "c"].map((name) => add(name)));
  expect(names()).toEqual([]);
  await turn();
  expect(names()).toEqual(["abc"]);
  await endStatement();
  expect(await answers).toEqual(["did a", "did b", "did c"]);
});

test("What comes while all statements are under way goes with the next one", async () => {
  const { add, names, endStatement } = startJoining({ statements: 2 });
  for (const name of ["a", "b", "c", "d", "e"]) {
    void add(name);
    await turn();
  }
  expect(names()).toEqual(["a", "b"]);
  await endStatement();
  expect(names()).toEqual(["a", "b", "cde"]);
});

test("A statement joins no more calls than it may", async () => {
  const { add, names, endStatement } = startJoining({ callsPerStatement: 2 });
  for (const name of ["a", "b", "c", "d", "e"]) {
    void add(name);
  }
  await turn();
  await endStatement();
  await endStatement();
  expect(names()).toEqual(["ab", "cd", "e"]);
});

test("A full statement goes at once, and what comes after it in the same turn goes at its end", async () => {
  const { add, names } = startJoining({ statements: 3, callsPerStatement: 2 });
  for (const name of ["a", "b", "c"]) {
    void add(name);
  }
  expect(names()).toEqual(["ab"]);
  await turn();
  expect(names()).toEqual(["ab", "c"]);
});

test("A call whose signal has aborted does not go with a statement that is full", async () => {
  const { add, names } = startJoining({ statements: 2, callsPerStatement: 2 });
  const caller = new AbortController();
  const left = add("a", caller.signal);
  caller.abort();
  void add("b");
  await expect(left).rejects.toBe(caller.signal.reason);
  expect(names()).toEqual(["b"]);
});

test("No more calls wait than may, and there is room again once a statement has started", async () => {
  const { add, names, endStatement } = startJoining({ waiting: 2 });
  void add("a");
  await turn();
  void add("b");
  void add("c");
  await expect(add("d")).rejects.toMatchObject(overloaded);
  await endStatement();
  void add("e");
  await endStatement();
  expect(names()).toEqual(["a", "bc", "e"]);
});

test("A call whose signal aborts while it waits is taken out, with the signal's reason", async () => {
  const { add, names, endStatement } = startJoining();
  const caller = new AbortController();
  const reason = new Error("gone");
  void add("a");
  await turn();
  const left = expect(add("b", caller.signal)).rejects.toBe(reason);
  void add("c");
  caller.abort(reason);
  await endStatement();
  await left;
  expect(names()).toEqual(["a", "c"]);
});

test("A call whose signal has aborted keeps no place from others", async () => {
  const { add, names, endStatement } = startJoining({ waiting: 1 });
  const caller = new AbortController();
  void add("a");
  await turn();
  const left = add("b", caller.signal);
  caller.abort();
  void add("c");
  await expect(left).rejects.toBe(caller.signal.reason);
  await endStatement();
  expect(names()).toEqual(["a", "c"]);
});

test("What still waits after its time when others are done is refused, and is not done later", async () => {
  const { add, names, endStatement } = startJoining({ callsPerStatement: 1, waitMs: 20 });
  const first = add("a");
  await turn();
  void add("b");
  void add("c");
  const late = expect(add("d")).rejects.toMatchObject(overloaded);
  await delay(25);
  // It began before they came, and says nothing of how fast statements are.
  await endStatement();
  expect(await first).toBe("did a");
  await endStatement();
  await late;
  await endStatement();
  expect(names()).toEqual(["a", "b", "c"]);
});

test("What waits while no statement ends waits on, however long", async () => {
  const { add, names, endStatement } = startJoining({ callsPerStatement: 1, waitMs: 20 });
  void add("a");
  await turn();
  const second = add("b");
  const third = add("c");
  await delay(25);
  await endStatement();
  await endStatement();
  expect(await second).toBe("did b");
  await endStatement();
  expect(await third).toBe("did c");
  expect(names()).toEqual(["a", "b", "c"]);
});
