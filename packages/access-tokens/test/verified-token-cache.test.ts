import { expect, test } from "vitest";
import { createVerifiedTokenCache, maxCharacters, maxTokens } from "../src/verified-token-cache.ts";

const caller = { subject: "test" };
const verified = { caller, validUntil: 1000, keysGeneration: 1 };

/** How many of the tokens the cache still knows. */
function countKnown(
  cache: ReturnType<typeof createVerifiedTokenCache<typeof caller>>,
  tokens: string[],
): number {
  return tokens.filter((token) => cache.get(token, 1, 0) !== undefined).length;
}

test("the cache of verified tokens holds a bounded number of them, the last ones", () => {
  const cache = createVerifiedTokenCache<typeof caller>();
  const tokens = Array.from({ length: maxTokens }, (_, index) => `token-${index}`);
  for (const token of tokens) {
    cache.set(token, verified);
  }
  expect(countKnown(cache, tokens)).toBe(maxTokens);
  cache.set("one more", verified);
  expect(cache.get("token-0", 1, 0)).toBeUndefined();
  expect(cache.get("token-1", 1, 0)).toBe(caller);
  expect(countKnown(cache, [...tokens, "one more"])).toBe(maxTokens);
});

test("the cache of verified tokens holds a bounded number of characters", () => {
  const cache = createVerifiedTokenCache<typeof caller>();
  const size = maxCharacters / 64;
  const tokens = Array.from({ length: 200 }, (_, index) => String(index).padEnd(size, "x"));
  for (const token of tokens) {
    cache.set(token, verified);
    cache.set(token, verified);
  }
  expect(countKnown(cache, tokens)).toBe(64);
  // What is found to be over gives its room back.
  expect(tokens.slice(-64).map((token) => cache.get(token, 2, 0))).toEqual(
    Array(64).fill(undefined),
  );
  for (const token of tokens.slice(0, 64)) {
    cache.set(token, verified);
  }
  expect(countKnown(cache, tokens)).toBe(64);
});

test("the cache of verified tokens forgets a token at its end and with its keys", () => {
  const cache = createVerifiedTokenCache<typeof caller>();
  cache.set("a", verified);
  expect(cache.get("a", 1, 999.999)).toBe(caller);
  expect(cache.get("a", 1, 1000)).toBeUndefined();
  cache.set("a", verified);
  expect(cache.get("a", 2, 0)).toBeUndefined();
  expect(cache.get("a", 1, 0)).toBeUndefined();
});
