// Prints the CPU that a small unary call takes on the lane and on Connect's plugin:
// `node packages/unary-lane/measure.ts`.
import { fork } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import type { Message } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import Fastify, { type FastifyInstance } from "fastify";
import { connectPluginWithUnaryLane } from "./src/index.ts";
import { envelope } from "./test/support/exchanges.ts";
import { noteService } from "./test/support/notes.ts";

const rounds = 3;
const seconds = 3;
const connections = 8;

const text = "a".repeat(200);
const headers = {
  ...{ authorization: `Bearer ${"x".repeat(500)}`, accept: "*/*", "user-agent": "measure" },
  ...{ "requester-organization-id": crypto.randomUUID(), "x-request-id": crypto.randomUUID() },
};
const loads = {
  "Connect JSON, HTTP/1.1": {
    http2: false,
    type: "application/json",
    body: Buffer.from(JSON.stringify({ text, count: 7, kind: "KIND_SHORT", secondText: text })),
  },
  "gRPC, HTTP/2": {
    http2: true,
    type: "application/grpc",
    body: envelope(Buffer.concat([Buffer.from([0x0a, 0xc8, 1]), Buffer.from(text)])),
  },
} as const;
type Name = keyof typeof loads;
const names = Object.keys(loads).filter((name): name is Name => name in loads);

const [, , name, url = ""] = process.argv;
const asLoad = names.find((each) => each === name);
if (asLoad === undefined) {
  for (const each of names) {
    const lane: number[] = [];
    const plugin: number[] = [];
    for (let round = 0; round < rounds; round++) {
      lane.push(await cpuOfCall(each, connectPluginWithUnaryLane));
      plugin.push(await cpuOfCall(each, fastifyConnectPlugin));
    }
    const [one, other] = [median(lane), median(plugin)];
    console.log(`${each}: lane ${one} µs, plugin ${other} µs of CPU a call`);
  }
} else {
  // Another process sends the calls, so that its CPU is not counted.
  await sendForEver(asLoad, url);
}

/** The CPU of this process by the call, in microseconds, while it is kept busy. */
async function cpuOfCall(
  each: Name,
  plugin: typeof fastifyConnectPlugin | typeof connectPluginWithUnaryLane,
): Promise<number> {
  let calls = 0;
  const implementation: object = {
    write(message: Message) {
      calls += 1;
      return message;
    },
  };
  // The two kinds of app differ in the types of what the plugins do not look at.
  const app = loads[each].http2
    ? (Fastify({ http2: true }) as unknown as FastifyInstance)
    : Fastify();
  await app.register(plugin, {
    routes: (router) => router.service(noteService, implementation),
    contextValues: () => createContextValues(),
    acceptCompression: [],
    jsonOptions: { alwaysEmitImplicit: true },
  });
  const load = fork(import.meta.filename, [each, await app.listen({ port: 0 })]);
  await delay(1000);
  const before = calls;
  const start = process.cpuUsage();
  await delay(seconds * 1000);
  const { user, system } = process.cpuUsage(start);
  const figure = (user + system) / (calls - before);
  load.kill();
  await once(load, "exit");
  await app.close();
  return figure;
}

async function sendForEver(each: Name, server: string): Promise<void> {
  const { type, body } = loads[each];
  const path = "/notes.v1.NoteService/Write";
  const agent = new http.Agent({ keepAlive: true });
  const sendOne = async () => {
    const call = http.request(`${server}${path}`, {
      ...{ agent, method: "POST" },
      headers: { ...headers, "content-type": type, "content-length": body.byteLength },
    });
    call.end(body);
    const [response] = await once(call, "response");
    await once(response.resume(), "end");
  };
  const session = loads[each].http2 ? http2.connect(server) : undefined;
  const sendOverHttp2 = async (opened: http2.ClientHttp2Session) => {
    const stream = opened.request({
      ...{ ":method": "POST", ":path": path, te: "trailers" },
      ...{ ...headers, "content-type": type },
    });
    stream.end(body);
    await once(stream.resume(), "end");
  };
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (;;) {
        await (session === undefined ? sendOne() : sendOverHttp2(session));
      }
    }),
  );
}

function median(figures: readonly number[]): string {
  return (figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? Number.NaN).toFixed(1);
}
