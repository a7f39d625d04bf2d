import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { createOnePortServer, type TlsFilesError } from "../src/index.ts";
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
  startServer,
} from "./support/server.ts";

const certFile = fileURLToPath(new URL("support/tls/certificate.pem", import.meta.url));
const keyFile = fileURLToPath(new URL("support/tls/key.pem", import.meta.url));
const files = { certFile, keyFile };
/** Another certificate for the same name. */
const other = {
  cert: readFileSync(new URL("support/tls/other-certificate.pem", import.meta.url)),
  key: readFileSync(new URL("support/tls/other-key.pem", import.meta.url)),
};
const trusted = { ca: readFileSync(certFile) };

test("serves HTTP/1.1 and HTTP/2 on one port", async () => {
  const { port, url } = await startServer({ tls: files });
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
  const { port } = await startServer({ tls: files });
  const socket = await connectTls(port, ALPNProtocols && { ALPNProtocols });

  expect(socket.alpnProtocol).toBe(chosen);
});

test("serves HTTP/1.1 to a client that knows no ALPN", async () => {
  const { port } = await startServer({ tls: files });
  const socket = await connectTls(port);
  socket.write("GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

  expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

test("serves a request over HTTP/1.1 that comes in pieces while a response waits to be taken", async () => {
  const { port } = await startServer({ tls: files });
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
  const { url, nextConnection } = await startServer({ tls: files });
  const connection = nextConnection();
  await requestHttp2(connectHttp2(url, trusted), "/version");

  expect(hasNoDelay(await connection)).toBe(true);
});

test("cuts off a peer that does not finish the handshake", async () => {
  const { port } = await startServer({ tls: files, timeouts: shortTimeouts });

  expect(await readToEnd(await connectRaw(port))).toBe("");
});

test("cuts off a peer that sends no request after the handshake", async () => {
  const { port } = await startServer({ tls: files, timeouts: shortTimeouts });
  const silent = [await connectTls(port), await connectTls(port, { ALPNProtocols: ["h2"] })];

  await Promise.all(silent.map(readToEnd));
});

test("cuts off a peer that sends half of a body over HTTP/2", async () => {
  const { url } = await startServer({ tls: files, timeouts: shortTimeouts });
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
  const { port, url } = await startServer({ tls: files });
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
  const { app, port, url, release } = await startServer({
    tls: files,
    timeouts: { graceMs: 100 },
  });
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
  const { app, url } = await startServer({ tls: files });
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

describe("files that change", () => {
  test("are taken up, and the connections that are there stay", async () => {
    const directory = await copyFiles();
    const reloads: unknown[] = [];
    const { port, url, onePort } = await startServer({
      tls: { ...inside(directory), reloadMs: 20, onReload: (failure) => reloads.push(failure) },
    });
    const session = connectHttp2(url, trusted);
    await requestHttp2(session, "/version");
    expect(onePort.certificateExpiresAt()).toEqual(expiryOf(certFile));
    await writeIdentity(directory, other);
    await expect.poll(() => reloads.includes(undefined)).toBe(true);

    expect(await fingerprintAt(port)).toBe(new X509Certificate(other.cert).fingerprint256);
    expect(onePort.certificateExpiresAt()).toEqual(new X509Certificate(other.cert).validToDate);
    expect(await requestHttp2(session, "/version")).toMatchObject({ status: 200 });
  });

  test("are taken up at once when asked for", async () => {
    const directory = await copyFiles();
    const { port, onePort } = await startServer({ tls: inside(directory) });
    await writeIdentity(directory, other);
    onePort.reloadTls();

    expect(await fingerprintAt(port)).toBe(new X509Certificate(other.cert).fingerprint256);
  });

  test.each<[string, TlsFilesError["file"], (directory: string) => Promise<void>]>([
    ["must hold a certificate as PEM", "certFile", (at) => writeFile(join(at, "cert.pem"), "none")],
    [
      "must hold a private key as PEM, without a password",
      "keyFile",
      (at) => writeFile(join(at, "key.pem"), "none"),
    ],
    [
      "is not the key of the certificate",
      "keyFile",
      (at) => writeFile(join(at, "key.pem"), other.key),
    ],
    ["names a file that cannot be read (ENOENT)", "certFile", (at) => rm(join(at, "cert.pem"))],
  ])(
    "and of which one %s are told of once, and the old ones serve on",
    async (message, file, spoil) => {
      const directory = await copyFiles();
      const reloads: unknown[] = [];
      const { port, onePort } = await startServer({
        tls: { ...inside(directory), onReload: (failure) => reloads.push(failure) },
      });
      await spoil(directory);
      onePort.reloadTls();
      onePort.reloadTls();

      expect(reloads).toEqual([expect.objectContaining({ name: "TlsFilesError", file, message })]);
      expect(await fingerprintAt(port)).toBe(new X509Certificate(trusted.ca).fingerprint256);
      expect(onePort.certificateExpiresAt()).toEqual(expiryOf(certFile));
      await writeIdentity(directory, other);
      onePort.reloadTls();
      expect(reloads).toEqual([expect.anything(), undefined]);
      expect(await fingerprintAt(port)).toBe(new X509Certificate(other.cert).fingerprint256);
    },
  );
});

test("does not start with files that cannot be used", () => {
  expect(() => createOnePortServer({ tls: { certFile, keyFile: certFile } })).toThrow(
    expect.objectContaining({
      file: "keyFile",
      message: "must hold a private key as PEM, without a password",
    }),
  );
  expect(() => createOnePortServer({ tls: { certFile: "nowhere", keyFile } })).toThrow(
    expect.objectContaining({
      file: "certFile",
      message: "names a file that cannot be read (ENOENT)",
    }),
  );
});

test("lets only clients in whose certificate an authority has given, once that is named", async () => {
  const directory = await copyFiles();
  await writeFile(join(directory, "ca.pem"), other.cert);
  const clientCaFile = join(directory, "ca.pem");
  const { url, port } = await startServer({ tls: { ...files, clientCaFile } });
  const identity = { ...trusted, cert: other.cert, key: other.key };

  expect(await requestHttp2(connectHttp2(url, identity), "/version")).toMatchObject({
    status: 200,
  });
  expect(await requestHttp1(createAgent(identity), `${url}/version`)).toMatchObject({
    status: 200,
  });
  const strangers = [trusted, { ...trusted, cert: trusted.ca, key: readFileSync(keyFile) }];
  for (const stranger of strangers) {
    const socket = tls.connect({ host: "localhost", port, ...stranger });
    socket.on("error", () => undefined);
    socket.write("GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(await readToEnd(socket)).toBe("");
  }
});

test.each([
  [undefined, "TLSv1.2", "TLSv1.2"],
  ["TLSv1.2", "TLSv1.2", "TLSv1.2"],
  ["TLSv1.3", "TLSv1.2", null],
  ["TLSv1.3", "TLSv1.3", "TLSv1.3"],
] as const)(
  "with the least version %s speaks, to a client of %s, %s",
  async (minVersion, most, spoken) => {
    const { port } = await startServer({ tls: { ...files, minVersion } });
    const socket = tls.connect({ host: "localhost", port, ...trusted, maxVersion: most });
    const version = new Promise((resolve) => {
      socket
        .on("secureConnect", () => resolve(socket.getProtocol()))
        .on("error", () => resolve(null));
    });

    expect(await version).toBe(spoken);
    socket.destroy();
  },
);

/** A folder with copies of the files. */
async function copyFiles(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "one-port-server-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await copyFile(certFile, join(directory, "cert.pem"));
  await copyFile(keyFile, join(directory, "key.pem"));
  return directory;
}

function inside(directory: string) {
  return { certFile: join(directory, "cert.pem"), keyFile: join(directory, "key.pem") };
}

async function writeIdentity(directory: string, { cert, key }: typeof other): Promise<void> {
  await writeFile(join(directory, "cert.pem"), cert);
  await writeFile(join(directory, "key.pem"), key);
}

function expiryOf(file: string): Date {
  return new X509Certificate(readFileSync(file)).validToDate;
}

/** Of the certificate that a new connection gets. */
async function fingerprintAt(port: number): Promise<string> {
  const socket = await connectTls(port, { ca: [trusted.ca, other.cert] });
  return socket.getPeerCertificate().fingerprint256;
}

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
