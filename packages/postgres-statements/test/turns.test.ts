import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createFairTurns, type FairLimits } from "../src/index.ts";

const overloaded = { name: "OverloadedError" };

/** Turns for pieces of work that end when the test does it, or ends, and are told by name once they begin. */
function startTurns(limits: Partial<FairLimits> = {}) {
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
  const inTurn = createFairTurns({
    ...{ atOnce: 2, atOnceOfOne: 1, waitingOfOne: 2, holdersWaiting: 2, waitMs: 60_000, ...limits },
  });
  return {
    begun,
    add(holder: string, name: string, signal = new AbortController().signal) {
      const work = async () => {
        begun.push(name);
        const { promise, resolve } = Promise.withResolvers<void>();
        ends.set(name, resolve);
        await (isOver || promise);
        return name;
      };
      const piece = inTurn(holder, work, signal);
      added.push(piece);
      return piece;
    },
    async end(name: string) {
      ends.get(name)?.();
      await turn();
    },
  };
}

test("One holder has no more than its share of the turns, and the others have theirs", async () => {
  const { add, begun, end } = startTurns();
  void add("a", "a1");
  void add("a", "a2");
  void add("b", "b1");
  await turn();
  expect(begun).toEqual(["a1", "b1"]);
  await end("b1");
  expect(begun).toEqual(["a1", "b1"]);
  await end("a1");
  expect(begun).toEqual(["a1", "b1", "a2"]);
});

test("Whoever comes with one piece of work waits for one of each other holder at most", async () => {
  const { add, begun, end } = startTurns({ atOnce: 1 });
  for (const name of ["a1", "a2", "a3"]) {
    void add("a", name);
  }
  void add("b", "b1");
  await end("a1");
  await end("b1");
  expect(begun).toEqual(["a1", "b1", "a2"]);
});

test("A holder whose line is full is refused, and nobody else", async () => {
  const { add, end } = startTurns();
  const first = add("a", "a1");
  void add("a", "a2");
  void add("a", "a3");
  await expect(add("a", "a4")).rejects.toMatchObject(overloaded);
  const other = add("b", "b1");
  await end("b1");
  expect(await other).toBe("b1");
  await end("a1");
  expect(await first).toBe("a1");
});

test("No more holders wait than may", async () => {
  const { add, begun, end } = startTurns({ atOnce: 1 });
  for (const holder of ["a", "b", "c"]) {
    void add(holder, holder);
  }
  await expect(add("d", "d")).rejects.toMatchObject(overloaded);
  await end("a");
  void add("d", "d again");
  await end("b");
  await end("c");
  expect(begun).toEqual(["a", "b", "c", "d again"]);
});

test("Who leaves before its turn gives up its place, and one that is under way keeps its turn", async () => {
  const { add, begun, end } = startTurns({ atOnce: 1 });
  const caller = new AbortController();
  const reason = new Error("gone");
  void add("a", "a1", caller.signal);
  const left = add("a", "a2", caller.signal);
  const alsoLeft = add("b", "b1", caller.signal);
  void add("a", "a3");
  void add("a", "a4").catch(() => undefined);
  caller.abort(reason);
  await expect(left).rejects.toBe(reason);
  await expect(alsoLeft).rejects.toBe(reason);
  await expect(add("c", "c1", caller.signal)).rejects.toBe(reason);
  expect(begun).toEqual(["a1"]);
  await end("a1");
  expect(begun).toEqual(["a1", "a3"]);
});

test("What waits too long for its turn is refused, and is not done later", async () => {
  const { add, begun, end } = startTurns({ waitMs: 20 });
  const first = add("a", "a1");
  await expect(add("a", "a2")).rejects.toMatchObject(overloaded);
  await end("a1");
  expect(await first).toBe("a1");
  expect(begun).toEqual(["a1"]);
});
