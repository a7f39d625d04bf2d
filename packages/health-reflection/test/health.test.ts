import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { createHealthService, Health, ServingStatus } from "../src/index.ts";
import { startServer } from "./server.ts";

/** A server whose readiness is what the test says, and how often it was asked for it. */
async function startHealth() {
  const state = { ready: true, asked: 0 };
  const draining = new AbortController();
  const readiness = {
    async isReady() {
      state.asked += 1;
      return state.ready;
    },
    draining: draining.signal,
  };
  const transport = await startServer((router) =>
    router.service(Health, createHealthService(readiness, [Health])),
  );
  return { state, draining, client: () => createClient(Health, transport()) };
}

/** Watches until the server or the test ends it, and keeps what was seen. */
function watch(
  client: ReturnType<Awaited<ReturnType<typeof startHealth>>["client"]>,
  service = "",
) {
  const seen: ServingStatus[] = [];
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const end = new AbortController();
  const ended = (async () => {
    for await (const { status } of client.watch({ service }, { signal: end.signal })) {
      seen.push(status);
      (seen.length === 1 ? first : second).resolve();
    }
  })();
  ended.catch(() => undefined);
  return { seen, first: first.promise, second: second.promise, ended, end };
}

test("Check and List tell the status of each service, and of the server", async () => {
  const { client, state } = await startHealth();
  const { status } = await client().check({ service: "grpc.health.v1.Health" });
  expect(status).toBe(ServingStatus.SERVING);
  state.ready = false;
  const { statuses } = await client().list({});
  expect(Object.entries(statuses).map(([name, { status }]) => [name, status])).toEqual([
    ["", ServingStatus.NOT_SERVING],
    ["grpc.health.v1.Health", ServingStatus.NOT_SERVING],
  ]);
  const failure = await client().check({ service: "nobody" }).catch(ConnectError.from);
  expect(failure).toMatchObject({ code: Code.NotFound });
});

test("However many watch, the readiness is asked for once at a time, and all see the change", async () => {
  const { client, state } = await startHealth();
  const one = client();
  const watchers = Array.from({ length: 50 }, () => watch(one));
  await Promise.all(watchers.map(({ first }) => first));
  state.asked = 0;
  state.ready = false;
  const since = performance.now();
  await Promise.all(watchers.map(({ second }) => second));
  // The change is seen within two looks, one a second; a busy machine may take longer to tell the fifty.
  expect(state.asked).toBeLessThanOrEqual(2 + Math.floor((performance.now() - since) / 1000));
  expect(watchers.map(({ seen }) => seen)).toEqual(
    watchers.map(() => [ServingStatus.SERVING, ServingStatus.NOT_SERVING]),
  );
  for (const { end } of watchers) {
    end.abort();
  }
});

test("A watcher of an unknown service is told so, and waits", async () => {
  const { client, state } = await startHealth();
  const [known, unknown] = [watch(client()), watch(client(), "nobody")];
  await Promise.all([known.first, unknown.first]);
  state.ready = false;
  await known.second;
  expect(unknown.seen).toEqual([ServingStatus.SERVICE_UNKNOWN]);
  known.end.abort();
  unknown.end.abort();
});

test("The shutdown is told to all watchers at once, and ends their streams", async () => {
  const { client, draining } = await startHealth();
  const [known, unknown] = [watch(client()), watch(client(), "nobody")];
  await Promise.all([known.first, unknown.first]);
  draining.abort();
  await Promise.all([known.ended, unknown.ended]);
  expect(known.seen).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  expect(unknown.seen).toEqual([ServingStatus.SERVICE_UNKNOWN]);
});

test("A readiness that cannot be told counts as not serving", async () => {
  const { client, state } = await startHealth();
  Object.defineProperty(state, "ready", {
    get() {
      throw new Error("It cannot be told.");
    },
  });
  expect((await client().check({})).status).toBe(ServingStatus.NOT_SERVING);
});
