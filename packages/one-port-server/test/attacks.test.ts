import { once } from "node:events";
import http from "node:http";
import type { Socket } from "node:net";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import type { Timeouts } from "../src/index.ts";
import {
  continuation,
  emptyData,
  headerBomb,
  headersThatGoOn,
  opening,
  ping,
  request,
  reset,
  settings,
} from "./support/http2-frames.ts";
import {
  closed,
  connectHttp2,
  connectRaw,
  http2Preface,
  requestHttp2,
  shortTimeouts,
  startServer,
} from "./support/server.ts";

/** What a peer sends, chunk by chunk, until the server ends its connection. */
type Attack = () => Iterable<Uint8Array | string>;

function* forever<Chunk>(chunk: (round: number) => Chunk): Iterable<Chunk> {
  for (let round = 0; ; round++) {
    yield chunk(round);
  }
}

function times(count: number, frame: (index: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => frame(index)));
}

/** The id of a client's stream, by its number. */
const streamId = (number: number) => 2 * number + 1;

/**
 * How many frames or requests of an attack are sent at a time: few, because their sender shares one
 * thread with the server and with the others, whose timeouts go on meanwhile.
 */
const batch = 25;

const attacks: Readonly<Record<string, Attack>> = {
  "sends nothing": () => [],
  "sends half of the preface": () => [http2Preface.subarray(0, 12)],
  "sends half of the headers": () => ["GET /version HTTP/1.1\r\nHost: localhost\r\nA: "],
  "sends headers byte by byte, and never all": function* () {
    yield "GET /version HTTP/1.1\r\nHost: localhost\r\nA: ";
    yield* forever(() => "a");
  },
  "sends headers without end": function* () {
    yield "GET /version HTTP/1.1\r\nHost: localhost\r\n";
    yield* forever((round) => `A${round}: ${"a".repeat(100)}\r\n`);
  },
  "sends a body byte by byte, and never all": function* () {
    yield "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n";
    yield "Content-Type: text/plain\r\n\r\n";
    yield* forever(() => "a");
  },
  "sends requests over HTTP/2 and gives the answers no window": () => [
    opening({ window: 0 }),
    times(200, (number) => request(streamId(number), "/version")),
  ],
  "sends SETTINGS without end": function* () {
    yield opening();
    yield* forever(() => times(batch, settings));
  },
  "sends PING without end": function* () {
    yield opening();
    yield* forever(() => times(batch, ping));
  },
  "sends empty DATA without end": function* () {
    yield opening();
    yield request(1, "/version", { ends: false });
    yield* forever(() => times(batch, () => emptyData(1)));
  },
  "sends CONTINUATION without end": function* () {
    yield opening();
    yield headersThatGoOn(1, "/version");
    yield* forever(() => continuation(1, 200));
  },
  "sends empty CONTINUATION without end": function* () {
    yield opening();
    yield headersThatGoOn(1, "/version");
    yield* forever(() => times(batch, () => continuation(1, 0)));
  },
  "names a header thousands of times": function* () {
    yield opening();
    yield* forever((round) => headerBomb(streamId(round), "/version", 10_000));
  },
};

/** How much memory an attack may leave behind. */
const memoryBytes = 64 * 1024 * 1024;

describe("A peer is cut off, and others are served meanwhile, when it", () => {
  test.each(Object.entries(attacks))("%s", async (_what, attack) => {
    await expectCutOff(attack, 4, shortTimeouts);
  });

  test("opens thousands of streams", async () => {
    const openBatch = (round: number) =>
      times(batch, (index) =>
        request(streamId(round * batch + index), "/version", { ends: false }),
      );
    await expectCutOff(
      () => [opening(), ...Array.from({ length: 100 }, (_, round) => openBatch(round))],
      1,
      shortTimeouts,
    );
  });

  test("sends 10,000 requests over HTTP/1.1 at once, and takes no answer", async () => {
    const requestBatch = "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(250);
    await expectCutOff(() => Array<string>(40).fill(requestBatch), 1, shortTimeouts);
  });

  // Timeouts play no part in this, and would hit the others while the server is busy.
  test("begins requests and resets them at once", async () => {
    await expectCutOff(function* () {
      yield opening();
      yield* forever((round) =>
        times(batch, (index) => {
          const id = streamId(round * batch + index);
          return Buffer.concat([request(id, "/held"), reset(id)]);
        }),
      );
    }, 1);
  });
});

/** @param peers - how many attack at once */
async function expectCutOff(attack: Attack, peers: number, timeouts?: Timeouts): Promise<void> {
  const { app, port, url } = await startServer(timeouts && { timeouts });
  const before = usedMemory();
  let attacking = true;
  const sockets = await Promise.all(Array.from({ length: peers }, () => connectRaw(port)));
  const ends = Promise.all(sockets.map((socket) => send(socket, attack()))).then(() => {
    attacking = false;
  });

  let served = 0;
  while (attacking) {
    expect(await Promise.all([getHttp1(url), getHttp2(url)])).toEqual([200, 200]);
    served += 1;
    // Asking without a pause would cost more than all attacks.
    await delay(20);
  }
  await ends;

  expect(served).toBeGreaterThan(0);
  expect(usedMemory() - before).toBeLessThan(memoryBytes);
  // Would take longer than a test may, if a connection were left.
  await app.close();
}

/** Sends chunk after chunk, as the peer takes them and without reading, until the connection ends. */
async function send(socket: Socket, chunks: Iterable<Uint8Array | string>): Promise<void> {
  const end = closed(socket);
  for (const chunk of chunks) {
    if (socket.destroyed) {
      break;
    }
    await new Promise((resolve) => {
      socket.write(chunk, resolve);
      end.then(resolve);
    });
    // Writing alone would leave no turn to the server, which runs in this process.
    await nextTurn();
  }
  // Only who reads learns of the end.
  socket.resume();
  await end;
}

/** The status of a request by somebody else, on a connection of its own. */
async function getHttp1(url: string): Promise<number | undefined> {
  const [response] = await once(http.get(`${url}/version`, { agent: false }), "response");
  response.resume();
  return response.statusCode;
}

async function getHttp2(url: string): Promise<number | undefined> {
  const session = connectHttp2(url);
  const { status } = await requestHttp2(session, "/version");
  session.destroy();
  return status;
}

/** What is still needed after all garbage is collected. */
function usedMemory(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
