import { once } from "node:events";
import http2 from "node:http2";
import net, { type AddressInfo, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { arrivalOf, createOnePortServer, type RequestHandler } from "../src/index.ts";
import { request } from "./support/http2-frames.ts";
import {
  closed,
  connectHttp2,
  connectRaw,
  createAgent,
  hasNoDelay,
  http2Frame,
  http2Preface,
  readToEnd,
  requestHttp1,
  requestHttp2,
  shortTimeouts,
  startServer,
} from "./support/server.ts";

const postText = "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n";
const halfBody = `${postText}Content-Length: 9\r\n\r\nhalf`;

// HTTP/2 on the wire: frames (RFC 9113, section 6) and HPACK (RFC 7541).
const HEADERS = 1;
const SETTINGS = 4;
const WINDOW_UPDATE = 8;
/** In HPACK: the method GET. */
const GET = 0x82;

describe("one cleartext port", () => {
  test("serves HTTP/1.1 and HTTP/2", async () => {
    const { port, url } = await startServer();
    const [http1, http2] = [
      await requestHttp1(createAgent(), `${url}/version`),
      await requestHttp2(connectHttp2(url), "/version"),
    ];

    expect([http1.status, JSON.parse(await http1.body)]).toEqual([
      200,
      { version: "1.1", host: `localhost:${port}` },
    ]);
    expect([http2.status, JSON.parse(await http2.body)]).toEqual([
      200,
      { version: "2.0", host: `localhost:${port}` },
    ]);
  });

  test("serves 200 requests of an HTTP/2 connection at a time", async () => {
    const { url, release, heldRequests } = await startServer();
    const session = connectHttp2(url);
    // The more of its answers a peer has taken, the more of its requests are served at a time.
    await Promise.all(Array.from({ length: 200 }, () => requestHttp2(session, "/version")));
    const held = Array.from({ length: 200 }, () => requestHttp2(session, "/held"));
    await expect.poll(heldRequests).toBe(200);
    release();

    const answers = (await Promise.all(held)).map(async ({ body }) => await body);
    expect(await Promise.all(answers)).toEqual(Array(200).fill("released"));
  });

  test("tells the protocol when every byte arrives on its own", async () => {
    const { port, nextConnection } = await startServer();
    const url = `http://localhost:${await startByteRelay(port, nextConnection)}`;

    expect(await requestHttp2(connectHttp2(url), "/version")).toMatchObject({ status: 200 });
    expect(await requestHttp1(createAgent(), `${url}/version`)).toMatchObject({ status: 200 });
  });

  test.each([
    ["differs from the preface late", "PRI * HTTP/2.0\r\n\r\nXY\r\n\r\n"],
    ["is no request", "nonsense\r\n\r\n"],
  ])("answers what %s with 400", async (_what, bytes) => {
    const { port } = await startServer();
    const socket = await connectRaw(port);
    socket.write(bytes);

    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  test("refuses more than 16 KiB of headers", async () => {
    const { port, url } = await startServer();
    const padding = "x".repeat(17 * 1024);
    const socket = await connectRaw(port);
    socket.write(`GET /version HTTP/1.1\r\nHost: localhost\r\nPadding: ${padding}\r\n\r\n`);
    const session = connectHttp2(url);
    // The limit holds from when the peer has acknowledged our settings.
    await requestHttp2(session, "/version");
    const stream = session.request({ ":path": "/version", padding });
    stream.on("error", () => undefined);
    const refused = closed(stream);

    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 431 /);
    await refused;
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(await requestHttp2(session, "/version")).toMatchObject({ status: 200 });
  });

  test.each([
    ["", "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    [
      " with bodies",
      "POST /held HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody",
    ],
  ])(
    "serves the requests%s of an HTTP/1.1 connection one after the other, and reads them so",
    async (_, text) => {
      const count = 10_000;
      const { port, release, heldRequests, nextConnection } = await startServer();
      const connection = nextConnection();
      const peer = await connectRaw(port);
      const { bytesRead } = await connection;
      const answers = readToEnd(peer);
      peer.write(text.repeat(count));
      await expect.poll(heldRequests).toBe(1);
      const others = await requestHttp1(createAgent(), `http://localhost:${port}/version`);
      expect(others.status).toBe(200);
      // The bytes that are read at a time.
      expect((await connection).bytesRead - bytesRead).toBeLessThanOrEqual(2 * 65_536);
      expect(heldRequests()).toBe(1);
      release();
      peer.write("GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      expect((await answers).match(/released/g)).toHaveLength(count);
    },
  );

  test("takes bodies of many packets, the first of them together with the headers", async () => {
    const { port, url } = await startServer();
    const body = Buffer.alloc(8 * 1024 * 1024, "x");
    const socket = await connectRaw(port);
    const headers = `${postText}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(headers), body]));
    const http2 = await requestHttp2(connectHttp2(url), "/length", body);

    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\n8388608$/s);
    expect([http2.status, await http2.body]).toEqual([200, "8388608"]);
  });

  test("announces to HTTP/2 peers how much it takes at once", async () => {
    const { url } = await startServer();
    const session = connectHttp2(url);
    await requestHttp2(session, "/version");

    expect(session.remoteSettings).toMatchObject({
      maxConcurrentStreams: 256,
      maxHeaderListSize: 16 * 1024,
      initialWindowSize: 128 * 1024,
    });
    expect(session.state.remoteWindowSize).toBe(1024 * 1024);
  });

  test("does not delay small writes over either protocol", async () => {
    const { url, nextConnection } = await startServer();
    const http1 = nextConnection();
    await requestHttp1(createAgent(), `${url}/version`);
    const http2 = nextConnection();
    await requestHttp2(connectHttp2(url), "/version");

    expect([await http1, await http2].map(hasNoDelay)).toEqual([true, true]);
  });

  test.each(["", "PRI", halfBody, String(http2Preface)])(
    "survives a reset after %j",
    async (bytes) => {
      const { port, url, nextConnection } = await startServer();
      const connection = nextConnection();
      const socket = await connectRaw(port);
      const reset = closed(await connection);
      socket.write(bytes, () => socket.resetAndDestroy());
      await reset;

      expect(await requestHttp1(createAgent(), `${url}/version`)).toMatchObject({ status: 200 });
    },
  );
});

test.each([
  ["before it tells its protocol", Buffer.from("PRI")],
  ["over HTTP/1.1", Buffer.from("GET /version HTTP/1.1\r\n")],
  ["over HTTP/2", Buffer.concat([http2Preface, settings()])],
])("a connection ends as soon as its peer goes %s", async (_when, bytes) => {
  const never = { headersMs: 1e8, requestMs: 1e8, idleMs: 1e8 };
  const { port, nextConnection } = await startServer({ timeouts: never });
  const connection = nextConnection();
  const socket = await connectRaw(port, { allowHalfOpen: true });
  const ended = closed(await connection);
  socket.resume();
  socket.end(bytes);

  await ended;
});

test("an HTTP/1.1 connection goes on after a request that was answered half-read", async () => {
  const half = Buffer.alloc(300_000);
  const { port } = await startServer();
  const peer = await connectRaw(port);
  const answered = once(peer, "data");
  peer.write(
    "POST /stopped HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n",
  );
  peer.write(`Content-Length: ${2 * half.length}\r\n\r\n`);
  peer.write(half);
  expect(String(await answered)).toContain("stopped early");
  peer.write(half);
  const next = readToEnd(peer);
  peer.write("GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  expect(await next).toContain('"version":"1.1"');
});

test("an HTTP/2 connection ends with its peer although a request was answered half-read", async () => {
  const { url, nextConnection } = await startServer();
  const connection = nextConnection();
  const session = connectHttp2(url);
  const body = Buffer.alloc(100_000);
  for (let round = 0; round < 20; round++) {
    // All of it together is more than the connection's window.
    const { body: answer } = await requestHttp2(
      session,
      "/first",
      body,
      "application/octet-stream",
    );
    expect(await answer).toBe("read in part");
  }
  const ended = closed(await connection);
  session.destroy();

  await ended;
});

describe("a peer is cut off", () => {
  test.each(["", "PRI * HTTP/2.0\r\n"])("that sends %j and no more", async (bytes) => {
    const { port } = await startServer({ timeouts: shortTimeouts });
    const socket = await connectRaw(port);
    socket.write(bytes);

    expect(await readToEnd(socket)).toBe("");
  });

  test.each([
    ["headers", "GET /version HTTP/1.1\r\nHost: localhost\r\n"],
    ["a body", halfBody],
  ])("that sends half of %s over HTTP/1.1", async (_part, bytes) => {
    const { port } = await startServer({ timeouts: shortTimeouts });
    const socket = await connectRaw(port);
    socket.write(bytes);

    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  test("that sends half of the headers over HTTP/2", async () => {
    const { port } = await startServer({ timeouts: shortTimeouts });
    const socket = await connectRaw(port);
    socket.write(Buffer.concat([http2Preface, settings(), http2Frame(HEADERS, 0, 1, [GET])]));

    // GOAWAY is the last of it.
    expect(await readToEnd(socket)).toContain("\x00\x00\x08\x07");
  });

  test("that sends half of a body over HTTP/2, and its other calls go on", async () => {
    const { url } = await startServer({ timeouts: { ...shortTimeouts, idleMs: 65_000 } });
    const session = connectHttp2(url);
    const held = requestHttp2(session, "/begun");
    const stream = session.request({
      ":method": "POST",
      ":path": "/length",
      "content-type": "text/plain",
    });
    stream.on("error", () => undefined).write("half");
    await closed(stream);

    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_CANCEL);
    expect(await held).toMatchObject({ status: 200 });
    expect(await requestHttp2(session, "/version")).toMatchObject({ status: 200 });
  });

  test("that gives a response no window over HTTP/2, and its other calls go on", async () => {
    const { url } = await startServer({ timeouts: { ...shortTimeouts, idleMs: 65_000 } });
    const session = connectHttp2(url, { settings: { initialWindowSize: 1024 } });
    const stream = session.request({ ":path": "/large" });
    stream.on("error", () => undefined);
    await closed(stream);

    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_CANCEL);
    expect(await requestHttp2(session, "/version")).toMatchObject({ status: 200 });
  });

  test.each([
    ["HTTP/1.1", Buffer.from("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["HTTP/2", Buffer.concat([http2Preface, ...getLargeWithoutBounds()])],
  ])("that does not read a response over %s", async (_protocol, bytes) => {
    const { port, nextConnection } = await startServer({ timeouts: shortTimeouts });
    const connection = nextConnection();
    const socket = await connectRaw(port);
    socket.write(bytes);

    await closed(await connection);
  });

  test("that keeps a connection without calls, over either protocol", async () => {
    const { url, nextConnection } = await startServer({ timeouts: shortTimeouts });
    const http2 = nextConnection().then(closed);
    await requestHttp2(connectHttp2(url), "/version");
    const http1 = nextConnection().then(closed);
    await requestHttp1(createAgent(), `${url}/version`);

    await Promise.all([http1, http2]);
  });

  test("that does not close its half of an ended HTTP/2 connection", async () => {
    const { port, nextConnection } = await startServer({ timeouts: shortTimeouts });
    const connection = nextConnection();
    const socket = await connectRaw(port, { allowHalfOpen: true });
    socket.write(Buffer.concat([http2Preface, settings()]));
    socket.resume();

    await closed(await connection);
  });
});

test("a peer is not cut off while the server makes it wait, or streams", async () => {
  const { port, url, release } = await startServer({ timeouts: shortTimeouts });
  const held = [
    requestHttp1(createAgent(), `${url}/held`),
    requestHttp2(connectHttp2(url), "/held"),
  ];
  const begun = [
    await requestHttp1(createAgent(), `${url}/begun`),
    await requestHttp2(connectHttp2(url), "/begun"),
  ];
  // That others are cut off, one after the other, tells that the timeouts have passed.
  for (let round = 0; round < 3; round++) {
    const socket = await connectRaw(port);
    socket.write(halfBody);
    await readToEnd(socket);
  }
  release();

  expect(await Promise.all(begun.map(({ body }) => body))).toEqual(
    Array(2).fill("begun, released"),
  );
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
});

describe("a server that many come to", () => {
  /** A server with a handler of its own. */
  async function listen(handler: RequestHandler) {
    const server = createOnePortServer().serverFactory(handler).listen(0, "127.0.0.1");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, "listening");
    // A server that listens on a port has an address of this type.
    return { server, port: (server.address() as AddressInfo).port };
  }

  function connectTo(port: number): Socket {
    const socket = net.connect({ host: "127.0.0.1", port });
    onTestFinished(() => {
      socket.destroy();
    });
    return socket;
  }

  const get = "GET / HTTP/1.1\r\n\r\n";

  test("accepts those that wait before it serves any", async () => {
    const peers = 200;
    let accepted = 0;
    const acceptedBefore: number[] = [];
    const { server, port } = await listen((_request, response) => {
      acceptedBefore.push(accepted);
      response.end();
    });
    server.on("connection", () => {
      accepted += 1;
    });
    const answers = Array.from({ length: peers }, async () => {
      const socket = connectTo(port);
      socket.write(get);
      await once(socket, "data");
    });
    await Promise.all(answers);
    // All, but for a machine that stops in between for a second.
    expect(acceptedBefore[peers / 2]).toBe(peers);
  });

  test("tells when a request came that has waited for its turn", async () => {
    const waited: number[] = [];
    const { port } = await listen((request, response) => {
      waited.push(performance.now() - arrivalOf(request));
      setTimeout(() => response.end(), 50);
    });
    connectTo(port).write(get + get);
    await expect.poll(() => waited.length).toBe(2);
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    await Promise.all(Array.from({ length: 17 }, () => requestHttp2(session, "/")));
    expect([waited[1], waited.at(-1)].map((ms = 0) => ms >= 45)).toEqual([true, true]);
  });
});

describe("a server that closes", () => {
  test("finishes the calls in flight and tells the peers of both protocols", async () => {
    const { app, url, release } = await startServer();
    const [agent, session] = [createAgent(), connectHttp2(url)];
    const held = [requestHttp1(agent, `${url}/held`), requestHttp2(session, "/held")];
    const begun = [
      await requestHttp1(agent, `${url}/begun`),
      await requestHttp2(session, "/begun"),
    ];
    const goaway = once(session, "goaway");
    const closed = app.close();
    await goaway;
    await expect(requestHttp1(agent, `${url}/version`)).rejects.toThrow("ECONNREFUSED");
    release();

    expect(await Promise.all(begun.map(({ body }) => body))).toEqual(
      Array(2).fill("begun, released"),
    );
    expect(await Promise.all(held)).toMatchObject([
      { status: 200, connection: "close" },
      { status: 200, connection: undefined },
    ]);
    expect(await Promise.all((await Promise.all(held)).map(({ body }) => body))).toEqual(
      Array(2).fill("released"),
    );
    // Would take longer than a test may, if it waited for idle connections.
    await closed;
  });

  test("takes the connections that wait to be accepted", async () => {
    const { app, port } = await startServer();
    const answers = Array.from({ length: 100 }, () => {
      const socket = net.connect(port, "127.0.0.1");
      socket.write("GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n");
      return readToEnd(socket);
    });
    // The system connects them in the next tick, before the server accepts any.
    await new Promise((resolve) => process.nextTick(resolve));
    await app.close();
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    }
  });

  test("answers what still comes on its connections, and says that they end", async () => {
    const { app, port, url } = await startServer({ timeouts: { graceMs: 65_000 } });
    const agent = createAgent();
    const first = await requestHttp1(agent, `${url}/version`);
    expect([first.connection, await first.body]).toEqual(["keep-alive", expect.anything()]);
    const undecided = await connectRaw(port);
    const http2 = await connectRaw(port);
    http2.write(Buffer.concat([http2Preface, settings()]));
    await once(http2, "data");
    const closing = app.close();
    let received = "";
    http2.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });

    // It has taken what waited, and tells its peers from now on.
    await expect.poll(() => app.server.listening).toBe(false);
    expect(await requestHttp1(agent, `${url}/version`)).toMatchObject({ connection: "close" });
    undecided.write("GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(await readToEnd(undecided)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*connection: close/is);
    http2.write(request(1, "/version"));
    await expect.poll(() => received).toContain('"version":"2.0"');
    // GOAWAY, with the stream that was taken as the last.
    await expect
      .poll(() => received)
      .toContain("\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x01");
    // Would take longer than a test may, if it waited for the grace period.
    await closing;
  });

  test("ends the connections that carry no call after the grace period", async () => {
    const { app, port, url } = await startServer({ timeouts: { graceMs: 100 } });
    await requestHttp2(connectHttp2(url), "/version");
    await requestHttp1(createAgent(), `${url}/version`);
    const sockets: Socket[] = [];
    for (const bytes of ["", "PRI", "GET / HTTP/1.1\r\n", String(http2Preface)]) {
      const socket = await connectRaw(port);
      socket.write(bytes);
      sockets.push(socket);
    }
    const ends = sockets.map(readToEnd);
    // Would take longer than a test may, if it waited for the peers.
    await app.close();
    await Promise.all(ends);
  });

  test("does not wait for an HTTP/2 peer that keeps its half of the connection open", async () => {
    const { app, port } = await startServer({ timeouts: { graceMs: 20, checkIntervalMs: 20 } });
    const socket = await connectRaw(port, { allowHalfOpen: true });
    socket.write(Buffer.concat([http2Preface, settings()]));
    await once(socket, "data");
    // Would take longer than a test may, if it waited for the peer.
    await app.close();
  });

  test("ends all connections when it is forced to", async () => {
    const { app, port, url } = await startServer();
    const session = connectHttp2(url);
    // They fail while the server is still closing, before anything else awaits them.
    const held = Promise.allSettled([
      requestHttp1(createAgent(), `${url}/held`),
      requestHttp2(session, "/held"),
    ]);
    await requestHttp2(session, "/begun");
    const silent = readToEnd(await connectRaw(port));
    const goaway = once(session, "goaway");
    const closed = app.close();
    await goaway;
    app.server.closeAllConnections();

    await closed;
    await silent;
    expect((await held).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});

/** Passes on every byte that comes from a client only after the server has read the one before. */
async function startByteRelay(
  port: number,
  nextConnection: () => Promise<Socket>,
): Promise<number> {
  const relay = net.createServer(async (near) => {
    const connection = nextConnection();
    const far = await connectRaw(port);
    const serverEnd = await connection;
    far.setNoDelay(true).pipe(near);
    let sent = 0;
    for await (const chunk of near) {
      for (const byte of chunk) {
        far.write(Buffer.of(byte));
        sent += 1;
        // The server reads nothing more of a connection that has ended, as it does with the test.
        while (serverEnd.bytesRead < sent && !serverEnd.destroyed) {
          await nextTurn();
        }
      }
    }
    far.end();
  });
  onTestFinished(() => {
    relay.close();
  });
  relay.listen(0, "localhost");
  await once(relay, "listening");
  // A server that listens on a port has an address of this type.
  return (relay.address() as AddressInfo).port;
}

function settings(...payload: number[]): Buffer {
  return http2Frame(SETTINGS, 0, 0, payload);
}

/** Windows as large as they can be, and a request for the large response. */
function getLargeWithoutBounds(): Buffer[] {
  const initialWindowSize = [0, 4, 0x7f, 0xff, 0xff, 0xff];
  const literal = (index: number, value: string) => [index, value.length, ...Buffer.from(value)];
  const headers = [GET, 0x86, ...literal(4, "/large"), ...literal(1, "localhost")];
  const [endStream, endHeaders] = [1, 4];
  return [
    settings(...initialWindowSize),
    http2Frame(WINDOW_UPDATE, 0, 0, [0x7f, 0, 0, 0]),
    http2Frame(HEADERS, endStream | endHeaders, 1, headers),
  ];
}
