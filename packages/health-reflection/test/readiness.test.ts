import { expect, test } from "vitest";
import { createReadiness } from "../src/index.ts";

test("However many ask at once, what a server needs is asked once, and the next time again", async () => {
  let asked = 0;
  const answers = [Promise.resolve(), Promise.reject(new Error("away"))];
  const { isReady } = createReadiness(async () => {
    const answer = answers[asked];
    asked += 1;
    await answer;
  }, new AbortController().signal);
  expect(await Promise.all([isReady(), isReady(), isReady()])).toEqual([true, true, true]);
  expect(await isReady()).toBe(false);
  expect(asked).toBe(2);
});

test("A server that stops is not ready, also for who had asked before", async () => {
  const draining = new AbortController();
  const answer = Promise.withResolvers<void>();
  const { isReady } = createReadiness(() => answer.promise, draining.signal);
  const asked = isReady();
  draining.abort();
  answer.resolve();
  expect([await asked, await isReady()]).toEqual([false, false]);
});
