import { Code, ConnectError, createClient, createContextKey } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { createStreamLimits, Health, ServingStatus, type StreamLimits } from "../src/index.ts";
import { startServer } from "./server.ts";

const callerKey = createContextKey("nobody");

/** A server whose Watch answers once and then never ends by itself, whatever its signal says. */
async function startStreams(changes: Partial<StreamLimits> = {}) {
  const draining = new AbortController();
  const never = Promise.withResolvers<void>();
  onTestFinished(() => never.resolve());
  const limits = createStreamLimits({
    max: 4,
    sharesOf: (values) => [{ holder: values.get(callerKey), max: 2 }],
    maxLifeMs: 60_000,
    draining: draining.signal,
    drainMs: () => 1,
    ...changes,
  });
  const transport = await startServer((router) =>
    router.service(
      Health,
      {
        check: () => ({ status: ServingStatus.SERVING }),
        async *watch() {
          yield { status: ServingStatus.SERVING };
          await never.promise;
        },
      },
      {
        interceptors: [
          (next) => (request) => {
            request.contextValues.set(callerKey, request.header.get("X-Caller") ?? "nobody");
            return next(request);
          },
          limits,
        ],
      },
    ),
  );
  const client = createClient(Health, transport());

  /** Opens a stream; the answer is the code that it was refused with, or what ends it. */
  async function open(caller: string) {
    const end = new AbortController();
    const headers = { "X-Caller": caller };
    const messages = client.watch({}, { signal: end.signal, headers })[Symbol.asyncIterator]();
    try {
      await messages.next();
    } catch (failure) {
      return ConnectError.from(failure).code;
    }
    const ended = messages.next().then(
      () => undefined,
      (failure: unknown) => ConnectError.from(failure).code,
    );
    return { end, ended };
  }
  return { client, draining, open };
}

test("A holder has its share of the streams, and all together have the greatest number", async () => {
  const { open, client } = await startStreams();
  const first = await open("a");
  expect(first).toHaveProperty("ended");
  expect(await open("a")).toHaveProperty("ended");
  expect(await open("a")).toBe(Code.ResourceExhausted);
  expect(await open("b")).toHaveProperty("ended");
  expect(await open("c")).toHaveProperty("ended");
  expect(await open("d")).toBe(Code.ResourceExhausted);
  // Calls that are no streams are none of it.
  expect((await client.check({})).status).toBe(ServingStatus.SERVING);
});

test("A stream whose client leaves makes room, though its handler does not end", async () => {
  const { open } = await startStreams({ max: 1 });
  const first = await open("a");
  expect(await open("a")).toBe(Code.ResourceExhausted);
  if (typeof first === "number") {
    throw new Error("The stream was refused.");
  }
  first.end.abort();
  expect(await first.ended).toBe(Code.Canceled);
  await expect.poll(() => open("a")).toHaveProperty("ended");
});

test("A stream ends when it has had its longest life", async () => {
  const { open } = await startStreams({ maxLifeMs: 20, max: 1 });
  const first = await open("a");
  expect(typeof first === "object" && (await first.ended)).toBe(Code.Unavailable);
  expect(await open("a")).toHaveProperty("ended");
});

test("Each stream is judged again and again, and ends with what its judgement fails with", async () => {
  const judged: string[] = [];
  let outcast = "";
  const { open } = await startStreams({
    judgeEveryMs: 32,
    async judge({ contextValues }) {
      const caller = contextValues.get(callerKey);
      judged.push(caller);
      if (caller === outcast) {
        throw new ConnectError("outcast", Code.PermissionDenied);
      }
    },
  });
  const streams = await Promise.all(["a", "b", "c"].map(open));
  const oftenJudged = () =>
    ["a", "b", "c"].filter((caller) => judged.filter((each) => each === caller).length >= 3);
  await expect.poll(oftenJudged).toEqual(["a", "b", "c"]);
  outcast = "b";
  const [, second] = streams;
  expect(typeof second === "object" && (await second.ended)).toBe(Code.PermissionDenied);
  judged.length = 0;
  await expect.poll(oftenJudged).toEqual(["a", "c"]);
  expect(judged).not.toContain("b");
});

test("The shutdown ends the streams that do not end by themselves", async () => {
  const { open, draining } = await startStreams();
  const first = await open("a");
  draining.abort();
  expect(typeof first === "object" && (await first.ended)).toBe(Code.Unavailable);
});
