// What the port costs next to Node's own servers: `node packages/one-port-server/measure.ts`.
// Each server runs in a thread of its own, whose CPU is counted; they are asked in turn.
import { once } from "node:events";
import http, { type RequestListener } from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { createOnePortServer } from "./src/index.ts";

const rounds = 9;
const callsPerRound = 20_000;
const callsAtATime = 32;

const answer: RequestListener = (request, response) => {
  request.resume();
  response.writeHead(200, { "content-type": "application/json" });
  response.end('{"status":"alive"}');
};

const servers = {
  "HTTP/1.1, Node's server": () => http.createServer(answer),
  "HTTP/1.1, one port": () => createOnePortServer().serverFactory(answer),
  // Node types the handler by the protocol.
  "HTTP/2, Node's server": () => http2.createServer(answer as never),
  "HTTP/2, one port": () => createOnePortServer().serverFactory(answer),
};
type Name = keyof typeof servers;

if (isMainThread) {
  const peers = await Promise.all(Object.keys(servers).map((name) => startPeer(name as Name)));
  const times = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, call, cpu } of peers) {
      const before = await cpu();
      await Promise.all(
        Array.from({ length: callsAtATime }, async () => {
          for (let count = 0; count < callsPerRound / callsAtATime; count += 1) {
            await call();
          }
        }),
      );
      // The first round warms up.
      if (round > 0) {
        times.get(name)?.push(((await cpu()) - before) / callsPerRound);
      }
    }
  }
  for (const [name, values] of times) {
    const median = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
    console.log(`${name.padEnd(24)} ${median.toFixed(1)} µs of CPU a request`);
  }
  process.exit();
} else {
  const server = servers[workerData as Name]();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on a port has an address of this type.
  parentPort?.postMessage((server.address() as AddressInfo).port);
  parentPort?.on("message", () => {
    const { user, system } = process.threadCpuUsage();
    parentPort?.postMessage(user + system);
  });
}

async function startPeer(name: Name) {
  const worker = new Worker(new URL(import.meta.url), { workerData: name });
  const [port] = await once(worker, "message");
  const call = name.startsWith("HTTP/2") ? callHttp2(port) : callHttp1(port);
  return {
    name,
    call,
    /** In microseconds. */
    async cpu(): Promise<number> {
      worker.postMessage("cpu");
      const [used] = await once(worker, "message");
      return used;
    },
  };
}

function callHttp1(port: number): () => Promise<void> {
  const agent = new http.Agent({ keepAlive: true });
  return async () => {
    const [response] = await once(http.get({ port, host: "127.0.0.1", agent }), "response");
    response.resume();
    await once(response, "end");
  };
}

function callHttp2(port: number): () => Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  return async () => {
    const stream = session.request({ ":path": "/" });
    stream.resume();
    await once(stream, "end");
  };
}
