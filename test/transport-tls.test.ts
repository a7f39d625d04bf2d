import { once } from "node:events";
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import tls from "node:tls";
import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import {
  Health,
  HealthCheckResponseSchema,
  ServingStatus,
} from "@partner-service/health-reflection";
import { expect, onTestFinished, test } from "vitest";
import {
  closed,
  connectHttp2,
  connectRaw,
  createAgent,
  hasNoDelay,
  readToEnd,
  requestHttp1,
  requestHttp2,
  shortTimeouts,
  startTransportServer,
} from "./support/transport.ts";

const cert = readFileSync(new URL("support/tls/certificate.pem", import.meta.url));
const key = readFileSync(new URL("support/tls/key.pem", import.meta.url));
const trusted = { ca: cert };

test("serves HTTP/1.1 and HTTP/2 on one port", async () => {
  const { port, url } = await startTransportServer({ tls: { cert, key } });
  const [http1, http2] = [
    await requestHttp1(createAgent(trusted), `${url}/version`),
    await requestHttp2(connectHttp2(url, trusted), "/version"),
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

test.each([
  [["h2", "http/1.1"], "h2"],
  [["http/1.1"], "http/1.1"],
  [undefined, false],
])("chooses, of the protocols %j, %j", async (ALPNProtocols, chosen) => {
  const { port } = await startTransportServer({ tls: { cert, key } });
  const socket = await connectTls(port, ALPNProtocols && { ALPNProtocols });

  expect(socket.alpnProtocol).toBe(chosen);
});

test("serves HTTP/1.1 to a client that knows no ALPN", async () => {
  const { port } = await startTransportServer({ tls: { cert, key } });
  const socket = await connectTls(port);
  socket.write("GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

  expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

test.each([
  ["Connect over HTTP/1.1", createConnectTransport, "1.1"],
  ["Connect over HTTP/2", createConnectTransport, "2"],
  ["gRPC over HTTP/2", createGrpcTransport, "2"],
] as const)("serves %s", async (_name, createTransport, httpVersion) => {
  const { url, release } = await startTransportServer({ tls: { cert, key } });
  const transport = createTransport({ baseUrl: url, httpVersion, nodeOptions: trusted });
  const client = createClient(Health, transport);
  release();

  expect(await client.check({})).toEqual(
    create(HealthCheckResponseSchema, { status: ServingStatus.SERVING }),
  );
  expect((await Array.fromAsync(client.watch({}))).map(({ status }) => status)).toEqual([
    ServingStatus.SERVING,
    ServingStatus.NOT_SERVING,
  ]);
});

test("serves a request over HTTP/1.1 that comes in pieces while a response waits to be taken", async () => {
  const { port } = await startTransportServer({ tls: { cert, key } });
  const socket = await connectTls(port);
  const head = "Host: localhost\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n";
  socket.write("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "readable");
  // Each is a TLS record of its own.
  for (let round = 0; round < 3; round += 1) {
    socket.write(`POST /length HTTP/1.1\r\n${head}\r\n`);
    socket.write("body");
  }
  socket.write(`POST /length HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
  socket.write("body");
  const received = await readToEnd(socket);
  expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(5);
});

test("does not delay small writes", async () => {
  const { url, nextConnection } = await startTransportServer({ tls: { cert, key } });
  const connection = nextConnection();
  await requestHttp2(connectHttp2(url, trusted), "/version");

  expect(hasNoDelay(await connection)).toBe(true);
});

test("cuts off a peer that does not finish the handshake", async () => {
  const { port } = await startTransportServer({ tls: { cert, key }, timeouts: shortTimeouts });

  expect(await readToEnd(await connectRaw(port))).toBe("");
});

test("cuts off a peer that sends no request after the handshake", async () => {
  const { port } = await startTransportServer({ tls: { cert, key }, timeouts: shortTimeouts });
  const silent = [await connectTls(port), await connectTls(port, { ALPNProtocols: ["h2"] })];

  await Promise.all(silent.map(readToEnd));
});

test("cuts off a peer that sends half of a body over HTTP/2", async () => {
  const { url } = await startTransportServer({ tls: { cert, key }, timeouts: shortTimeouts });
  const stream = connectHttp2(url, trusted).request({
    ":method": "POST",
    ":path": "/length",
    "content-type": "text/plain",
  });
  stream.write("half");
  await closed(stream);

  expect(stream.rstCode).toBe(http2.constants.NGHTTP2_CANCEL);
});

test("survives a peer that is no TLS client, or resets its connection", async () => {
  const { port, url } = await startTransportServer({ tls: { cert, key } });
  const plain = await connectRaw(port);
  plain.write("GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await readToEnd(plain);
  const handshaking = await connectRaw(port);
  const connected = await connectRaw(port);
  await connectTls(port, { socket: connected });
  for (const socket of [handshaking, connected]) {
    socket.resetAndDestroy();
    await closed(socket);
  }

  expect(await requestHttp1(createAgent(trusted), `${url}/version`)).toMatchObject({ status: 200 });
});

test("finishes the calls in flight when it closes, and ends all other connections", async () => {
  const { app, port, url, release } = await startTransportServer({ tls: { cert, key } });
  const [agent, session] = [createAgent(trusted), connectHttp2(url, trusted)];
  const held = [requestHttp1(agent, `${url}/held`), requestHttp2(session, "/held")];
  const begun = [await requestHttp1(agent, `${url}/begun`), await requestHttp2(session, "/begun")];
  const handshaking = readToEnd(await connectRaw(port));
  const silent = [await connectTls(port), await connectTls(port, { ALPNProtocols: ["h2"] })];
  const ends = [handshaking, ...silent.map(readToEnd)];
  const goaway = once(session, "goaway");
  const closing = app.close();
  await goaway;
  await Promise.all(ends);
  release();

  expect(await Promise.all(held)).toMatchObject([
    { status: 200, connection: "close" },
    { status: 200, connection: undefined },
  ]);
  expect(await Promise.all(begun.map(({ body }) => body))).toEqual(
    Array(2).fill("begun, released"),
  );
  await closing;
});

test("ends all connections when it is forced to", async () => {
  const { app, url } = await startTransportServer({ tls: { cert, key } });
  const session = connectHttp2(url, trusted);
  // They fail while the server is still closing, before anything else awaits them.
  const held = Promise.allSettled([
    requestHttp1(createAgent(trusted), `${url}/held`),
    requestHttp2(session, "/held"),
  ]);
  await requestHttp2(session, "/begun");
  const goaway = once(session, "goaway");
  const closing = app.close();
  await goaway;
  app.server.closeAllConnections();

  await closing;
  expect((await held).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

/** Resolves after the handshake. */
async function connectTls(port: number, options: tls.ConnectionOptions = {}) {
  const socket = tls.connect({ host: "localhost", port, ...trusted, ...options });
  socket.on("error", () => undefined);
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "secureConnect");
  return socket;
}
