import { once } from "node:events";
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { opening, request } from "./support/http2-frames.ts";
import {
  closed,
  connectHttp2,
  connectRaw,
  createAgent,
  readToEnd,
  requestHttp1,
  requestHttp2,
  shortTimeouts,
  startServer,
} from "./support/server.ts";

const mebibyte = 1024 * 1024;
/** More than the buffers of a loopback connection hold. */
const answerBytes = 16 * mebibyte;

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

/** A request whose answer nobody reads. */
function requestUnread(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = session.request({ ":path": path });
  stream.on("error", () => undefined);
  return stream;
}

/** Resolves when the server has read what the session sent before. */
async function requestUntilRead(session: ClientHttp2Session): Promise<void> {
  await new Promise((resolve) => session.ping(resolve));
}

describe("of a peer that takes no answers", () => {
  test("one waits over HTTP/1.1, whatever it asks for, and then it is cut off", async () => {
    const { port, nextConnection, begunRequests, onePort } = await startServer({
      timeouts: { ...shortTimeouts, requestMs: 65_000 },
    });
    const connection = nextConnection();
    const peer = await connectRaw(port);
    peer.write(get(`/bytes/${answerBytes}`).repeat(57));
    await expect.poll(() => onePort.stats().waitingBytes).toBeGreaterThan(0);

    expect(onePort.stats().waitingBytes).toBeLessThan(answerBytes + mebibyte);
    await closed(await connection);
    expect(begunRequests()).toBe(1);
    expect(onePort.stats()).toEqual({
      connections: { undecided: 0, http1: 0, http2: 0 },
      requests: 0,
      waitingBytes: 0,
    });
  });

  test("requests over HTTP/2 wait once the answers exceed the bound, and go on when taken", async () => {
    const { url, onePort, begunRequests } = await startServer({
      limits: { waitingBytesPerConnection: 100_000 },
    });
    const session = connectHttp2(url, { settings: { initialWindowSize: 0 } });
    const streams: ClientHttp2Stream[] = [];
    for (let count = 1; count <= 20; count += 1) {
      streams.push(session.request({ ":path": "/bytes/40000" }));
      await expect.poll(() => onePort.stats().requests).toBe(count);
      // That a later request is answered tells that this one is begun, or waits.
      await expect.poll(begunRequests).toBe(Math.min(count, 3));
    }

    expect(onePort.stats()).toEqual({
      connections: { undecided: 0, http1: 0, http2: 1 },
      requests: 20,
      waitingBytes: 120_000,
    });
    session.settings({ initialWindowSize: mebibyte });
    const answers = await Promise.all(streams.map(async (stream) => await buffer(stream)));
    expect(answers.map(({ length }) => length)).toEqual(Array(20).fill(40_000));
  });

  test("sixteen wait over HTTP/2, when all requests come at once", async () => {
    const { url, begunRequests, onePort } = await startServer({
      timeouts: { checkIntervalMs: 65_000 },
    });
    const session = connectHttp2(url, { settings: { initialWindowSize: 0 } });
    const streams = Array.from({ length: 256 }, () => session.request({ ":path": "/bytes/60000" }));
    await expect.poll(() => onePort.stats().requests).toBe(256);
    await expect.poll(() => onePort.stats().waitingBytes).toBe(16 * 60_000);

    expect(begunRequests()).toBe(16);
    session.settings({ initialWindowSize: mebibyte });
    const answers = await Promise.all(streams.map(async (stream) => await buffer(stream)));
    expect(answers.map(({ length }) => length)).toEqual(Array(256).fill(60_000));
  });

  test("requests over HTTP/2 go on when taken by streams that stay open, too", async () => {
    const { url, begunRequests } = await startServer({
      limits: { waitingBytesPerConnection: 30_000 },
    });
    const session = connectHttp2(url, { settings: { initialWindowSize: 0 } });
    const endless = session.request({ ":path": "/endless" });
    await once(endless, "response");
    const waiting = requestHttp2(session, "/bytes/1");
    await requestUntilRead(session);
    expect(begunRequests()).toBe(0);
    session.settings({ initialWindowSize: mebibyte });

    endless.resume();
    expect(await waiting).toMatchObject({ status: 200 });
    expect(endless.closed).toBe(false);
  });

  test("those are cut off that hold most, when too many bytes wait in all", async () => {
    const { url, port, onePort, nextConnection } = await startServer({
      limits: { waitingBytes: 40 * mebibyte },
      timeouts: { checkIntervalMs: 20 },
    });
    const small = connectHttp2(url, { settings: { initialWindowSize: 0 } });
    requestUnread(small, "/bytes/60000");
    await expect.poll(() => onePort.stats().waitingBytes).toBe(60_000);
    const connections = [];
    for (let count = 0; count < 4; count += 1) {
      const connection = nextConnection();
      (await connectRaw(port)).write(get(`/bytes/${answerBytes}`));
      connections.push(await connection);
    }

    await Promise.race(connections.map(closed));
    await expect.poll(() => onePort.stats().waitingBytes).toBeLessThanOrEqual(40 * mebibyte);
    expect(onePort.stats().connections).toMatchObject({ http2: 1 });
    expect(onePort.stats().connections.http1).toBeGreaterThan(0);
  });

  test("one that goes on sending is cut off all the same", async () => {
    const { port, nextConnection } = await startServer({
      timeouts: { ...shortTimeouts, headersMs: 65_000, requestMs: 65_000 },
    });
    const connection = nextConnection();
    const peer = await connectRaw(port);
    peer.write(`${get(`/bytes/${answerBytes}`)}GET /version HTTP/1.1\r\nA: `);
    const sending = setInterval(() => peer.write("a"), 10);
    await closed(await connection);
    clearInterval(sending);
  });

  test("one that takes some now and then is not", async () => {
    const writeMs = 1_500;
    const { port } = await startServer({ timeouts: { writeMs, checkIntervalMs: 20 } });
    const peer = await connectRaw(port);
    let taken = 0;
    const end = closed(peer);
    peer.on("data", (chunk) => {
      const before = Math.floor(taken / mebibyte);
      taken += chunk.length;
      if (Math.floor(taken / mebibyte) > before) {
        peer.pause();
        // All pauses together are longer than the timeout.
        setTimeout(() => peer.resume(), writeMs / 10);
      }
    });
    peer.write(get(`/bytes/${answerBytes}`).replace("Host", "Connection: close\r\nHost"));
    await end;
    expect(taken).toBeGreaterThan(answerBytes);
  });
});

describe("requests in flight", () => {
  test("are as many as there may be, and a connection with its share gets no further one", async () => {
    const { url, release, heldRequests, onePort } = await startServer({ limits: { requests: 8 } });
    const [greedy, other] = [connectHttp2(url), connectHttp2(url)];
    const held = Array.from({ length: 8 }, () => requestHttp2(greedy, "/held"));
    await expect.poll(heldRequests).toBe(8);
    const refused = requestUnread(greedy, "/held");
    await closed(refused);

    expect(refused.rstCode).toBe(http2.constants.NGHTTP2_REFUSED_STREAM);
    // Half of eight.
    const others = Array.from({ length: 4 }, () => requestHttp2(other, "/held"));
    await expect.poll(heldRequests).toBe(12);
    const fifth = requestUnread(other, "/held");
    await closed(fifth);
    expect(fifth.rstCode).toBe(http2.constants.NGHTTP2_REFUSED_STREAM);
    const third = requestHttp1(createAgent(), `${url}/held`);
    await expect.poll(heldRequests).toBe(13);
    expect(onePort.stats().requests).toBe(13);
    release();
    const all = await Promise.all([...held, ...others, third]);
    expect(all.map(({ status }) => status)).toEqual(Array(13).fill(200));
    expect(await requestHttp2(greedy, "/held")).toMatchObject({ status: 200 });
  });

  test("are cancelled over either protocol when they have gone on for too long", async () => {
    const { url, port } = await startServer({ timeouts: { ...shortTimeouts, responseMs: 300 } });
    const stream = requestUnread(connectHttp2(url), "/begun");
    const peer = await connectRaw(port);
    const received = readToEnd(peer);
    peer.write(get("/begun"));
    await closed(stream);

    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_CANCEL);
    expect(await received).toMatch(/begun, \r\n$/);
  });
});

describe("connections", () => {
  test("are as many as there may be: a further one takes the place of the longest idle", async () => {
    const { url, port, nextConnection, onePort, release } = await startServer({
      limits: { connections: 3 },
    });
    const busy = requestHttp1(createAgent(), `${url}/held`);
    await nextConnection();
    const idle = connectHttp2(url);
    await requestHttp2(idle, "/version");
    const silent = nextConnection();
    await connectRaw(port);
    const end = closed(idle);
    await silent;
    await requestHttp1(createAgent(), `${url}/version`);
    await end;

    expect(onePort.stats()).toMatchObject({ connections: { undecided: 1, http1: 2, http2: 0 } });
    release();
    expect(await busy).toMatchObject({ status: 200 });
  });

  test("are refused when all carry requests", async () => {
    const { url, port, heldRequests, release } = await startServer({ limits: { connections: 2 } });
    const held = [
      requestHttp1(createAgent(), `${url}/held`),
      requestHttp2(connectHttp2(url), "/held"),
    ];
    await expect.poll(heldRequests).toBe(2);

    expect(await readToEnd(await connectRaw(port))).toBe("");
    release();
    expect(await Promise.all(held)).toMatchObject([{ status: 200 }, { status: 200 }]);
  });

  test("take no further requests after their longest life", async () => {
    const { url } = await startServer({
      timeouts: { ...shortTimeouts, connectionMs: 300, idleMs: 65_000 },
    });
    const session = connectHttp2(url);
    const goaway = once(session, "goaway");
    const stream = await requestHttp2(session, "/version");
    const agent = createAgent();

    expect(stream).toMatchObject({ status: 200 });
    expect(await requestHttp1(agent, `${url}/version`)).toMatchObject({ connection: "keep-alive" });
    expect((await goaway)[0]).toBe(http2.constants.NGHTTP2_NO_ERROR);
    await expect
      .poll(async () => (await requestHttp1(agent, `${url}/version`)).connection)
      .toBe("close");
  });

  test("are told by protocol, with what is in flight", async () => {
    const { port, url, onePort, heldRequests } = await startServer();
    await connectRaw(port);
    const raw = await connectRaw(port);
    raw.write(Buffer.concat([opening(), request(1, "/held"), request(3, "/held")]));
    const held = requestHttp1(createAgent(), `${url}/held`);
    held.catch(() => undefined);
    await expect.poll(heldRequests).toBe(3);

    expect(onePort.stats()).toEqual({
      connections: { undecided: 1, http1: 1, http2: 1 },
      requests: 3,
      waitingBytes: 0,
    });
  });
});
