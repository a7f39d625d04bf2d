import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createFairTurns } from "../src/index.ts";

/** Turns for pieces of work that end when the test does it, or ends, and are told by name once they begin. */
function startTurns({ atOnce = 2, waitMs = 60_000 } = {}) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const added: Promise<string>[] = [];
  let isOver = false;
  // What still waited would be refused in the end, in the middle of another test.
  onTestFinished(async () => {
    isOver = true;
    for (const end of ends.values()) {
      end();
    }
    await Promise.allSettled(added);
  });
  const inTurn = createFairTurns(atOnce, waitMs);
  return {
    begun,
    waiting: inTurn.waiting,
    add(key: string, name: string, signal = new AbortController().signal) {
      const work = async () => {
        begun.push(name);
        const { promise, resolve } = Promise.withResolvers<void>();
        ends.set(name, resolve);
        await (isOver || promise);
        return name;
      };
      const piece = inTurn({ key, signal }, work);
      added.push(piece);
      return piece;
    },
    async end(name: string) {
      ends.get(name)?.();
      await turn();
    },
  };
}

test("One asker has no more turns than it leaves to others, and these have theirs", async () => {
  const { add, begun, end, waiting } = startTurns();
  void add("a", "a1");
  void add("a", "a2");
  void add("b", "b1");
  await turn();
  expect(begun).toEqual(["a1", "b1"]);
  await end("b1");
  expect(begun).toEqual(["a1", "b1"]);
  expect(waiting()).toBe(1);
  await end("a1");
  expect(begun).toEqual(["a1", "b1", "a2"]);
  expect(waiting()).toBe(0);
});

test("However many want all turns, each has fewer than the one before, and the next has one", async () => {
  const { add, begun } = startTurns({ atOnce: 8 });
  for (const key of ["a", "b", "c", "d", "e"]) {
    for (let count = 1; count <= 8; count += 1) {
      void add(key, `${key}${count}`);
    }
  }
  await turn();
  expect(begun).toEqual(["a1", "a2", "a3", "a4", "b1", "b2", "c1", "d1"]);
});

test("Whoever comes with one piece of work waits for one of each other asker at most", async () => {
  const { add, begun, end } = startTurns({ atOnce: 1 });
  for (const name of ["a1", "a2", "a3"]) {
    void add("a", name);
  }
  void add("b", "b1");
  void add("c", "c1");
  await end("a1");
  await end("b1");
  await end("c1");
  await end("a2");
  expect(begun).toEqual(["a1", "b1", "c1", "a2", "a3"]);
});

test("When a piece of work ends, all begin that may", async () => {
  const { add, begun, end } = startTurns({ atOnce: 6 });
  for (const name of ["b1", "b2", "a1", "a2", "b3", "a3"]) {
    void add(name.slice(0, 1), name);
  }
  await turn();
  expect(begun).toEqual(["b1", "b2", "a1", "a2"]);
  await end("a1");
  expect(begun).toEqual(["b1", "b2", "a1", "a2", "b3", "a3"]);
});

test("Work that fails gives up its turn", async () => {
  const inTurn = createFairTurns(1, 60_000);
  const asker = { key: "a", signal: new AbortController().signal };
  const failing = inTurn(asker, () => Promise.reject(new Error("failed")));
  const next = inTurn(asker, async () => "done");
  await expect(failing).rejects.toThrow("failed");
  expect(await next).toBe("done");
});

test("Who leaves before its turn gives up its place, and one that is under way keeps its turn", async () => {
  const { add, begun, end, waiting } = startTurns({ atOnce: 1 });
  const caller = new AbortController();
  const reason = new Error("gone");
  void add("a", "a1", caller.signal);
  const left = add("a", "a2", caller.signal);
  const alsoLeft = add("b", "b1", caller.signal);
  void add("a", "a3");
  void add("a", "a4");
  caller.abort(reason);
  await expect(left).rejects.toBe(reason);
  await expect(alsoLeft).rejects.toBe(reason);
  await expect(add("c", "c1", caller.signal)).rejects.toBe(reason);
  expect(begun).toEqual(["a1"]);
  expect(waiting()).toBe(2);
  await end("a1");
  expect(begun).toEqual(["a1", "a3"]);
});

test("What waits too long for its turn is refused, and is not done later", async () => {
  const { add, begun, end } = startTurns({ waitMs: 20 });
  const first = add("a", "a1");
  await expect(add("a", "a2")).rejects.toMatchObject({ name: "OverloadedError" });
  await end("a1");
  expect(await first).toBe("a1");
  expect(begun).toEqual(["a1"]);
});
