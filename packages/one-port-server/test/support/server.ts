import { type EventEmitter, once } from "node:events";
import http from "node:http";
import http2, {
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import https from "node:https";
import net, { type AddressInfo, type Socket } from "node:net";
import { type Duplex, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import Fastify, { type FastifyInstance } from "fastify";
import { onTestFinished } from "vitest";
import {
  createOnePortServer,
  type OnePortServer,
  type OnePortServerOptions,
} from "../../src/index.ts";

/** For the tests that are about being cut off: short, but not too short for a busy machine. */
export const shortTimeouts = {
  headersMs: 300,
  requestMs: 300,
  idleMs: 300,
  writeMs: 300,
  responseMs: 65_000,
  connectionMs: 65_000,
  graceMs: 100,
  checkIntervalMs: 20,
};

/** More than what the buffers of a loopback connection hold. */
const largeBodyBytes = 64 * 1024 * 1024;

export interface TestServer {
  readonly onePort: OnePortServer;
  readonly app: FastifyInstance;
  readonly port: number;
  /** Where it serves, without a slash at the end. */
  readonly url: string;
  /** Ends the waiting of the requests that are held. Requests that come later are not held. */
  release(): void;
  /** How many requests have been held. */
  heldRequests(): number;
  /** How many requests for bytes have been begun. */
  begunRequests(): number;
  /** The server's end of the next connection. */
  nextConnection(): Promise<Socket>;
}

/** Starts a server with routes that let a test hold requests in flight. */
export async function startServer(options: OnePortServerOptions = {}): Promise<TestServer> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const onePort = createOnePortServer(options);
  const { serverFactory } = onePort;
  const clientErrorHandler = onePort.answerFaults();
  const app = Fastify({ serverFactory, clientErrorHandler, return503OnClosing: false });
  app.get("/version", async ({ raw, host }) => ({ version: raw.httpVersion, host }));
  app.post("/length", { bodyLimit: largeBodyBytes }, async ({ body }) => String(body).length);
  let heldRequests = 0;
  app.all("/held", async () => {
    heldRequests += 1;
    await released;
    return "released";
  });
  app.get("/begun", (_request, reply) => reply.send(Readable.from(begin(released))));
  app.addContentTypeParser("application/octet-stream", async (_: unknown, body: Readable) => body);
  app.post<{ Body: Readable }>("/first", async ({ body }) => {
    await body[Symbol.asyncIterator]().next();
    return "read in part";
  });
  app.post<{ Body: Readable }>("/stopped", async ({ body }) => {
    for await (const _chunk of body) {
      break;
    }
    return "stopped early";
  });
  let begunRequests = 0;
  app.get<{ Params: { count: string } }>("/bytes/:count", async ({ params }) => {
    begunRequests += 1;
    return Buffer.alloc(Number(params.count));
  });
  // Answers at once, and does not end.
  app.get("/endless", (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200);
    reply.raw.write(Buffer.alloc(40_000));
  });
  app.get("/large", (_request, reply) => reply.send(Buffer.alloc(largeBodyBytes)));
  await app.listen({ host: "localhost", port: 0 });
  onTestFinished(async () => {
    release();
    app.server.closeAllConnections();
    await app.close();
  });
  // A server that listens on a port has an address of this type.
  const { port } = app.server.address() as AddressInfo;
  return {
    onePort,
    app,
    port,
    url: `${options.tls ? "https" : "http"}://localhost:${port}`,
    release,
    heldRequests: () => heldRequests,
    begunRequests: () => begunRequests,
    async nextConnection() {
      const [socket] = await once(app.server, "connection");
      return socket;
    },
  };
}

async function* begin(released: Promise<void>) {
  yield "begun, ";
  await released;
  yield "released";
}

/** A client that speaks whatever bytes a test writes. */
export async function connectRaw(port: number, options: net.SocketConstructorOpts = {}) {
  const socket = net.connect({ host: "localhost", port, ...options });
  // That the server may reset the connection is part of what the tests are about.
  socket.on("error", () => undefined);
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "connect");
  return socket;
}

/** Whether Node has turned Nagle's algorithm off: it keeps that under a symbol only. */
export function hasNoDelay(socket: Socket): unknown {
  const symbol = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === "kSetNoDelay",
  );
  return symbol && Reflect.get(socket, symbol);
}

/** All that the server sends until the connection ends, in whatever way. */
export async function readToEnd(socket: Duplex): Promise<string> {
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk;
  });
  await closed(socket);
  return received;
}

/** Settles when the connection, session or stream has ended, with an error or without. */
export function closed(ended: EventEmitter): Promise<void> {
  return new Promise((resolve) => ended.once("close", () => resolve()));
}

/** A response whose headers have arrived. */
export interface Response {
  readonly status: number | undefined;
  readonly connection: string | undefined;
  readonly body: Promise<string>;
}

/** @param tls - what to trust, for a server with TLS */
export function createAgent(tls?: https.AgentOptions): http.Agent {
  const agent = tls
    ? new https.Agent({ ...tls, keepAlive: true })
    : new http.Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  return agent;
}

export async function requestHttp1(agent: http.Agent, url: string): Promise<Response> {
  const [response] = await once(
    agent instanceof https.Agent ? https.get(url, { agent }) : http.get(url, { agent }),
    "response",
  );
  const { statusCode, headers } = response;
  return { status: statusCode, connection: headers.connection, body: text(response) };
}

export function connectHttp2(
  url: string,
  options: http2.ClientSessionOptions | http2.SecureClientSessionOptions = {},
): ClientHttp2Session {
  const session = http2.connect(url, options);
  session.on("error", () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

/** A request with a body, if there is one, is a POST. */
export async function requestHttp2(
  session: ClientHttp2Session,
  path: string,
  body?: Buffer,
  contentType = "text/plain",
): Promise<Response> {
  const stream = session.request(
    { ":path": path, ":method": body ? "POST" : "GET", "content-type": contentType },
    { endStream: body === undefined },
  );
  if (body !== undefined) {
    stream.end(body);
  }
  const headers = await new Promise<IncomingHttpHeaders & IncomingHttpStatusHeader>(
    (resolve, reject) => {
      stream.on("error", reject).on("response", resolve);
      stream.on("close", () => reject(new Error(`Closed with code ${stream.rstCode}.`)));
    },
  );
  return { status: headers[":status"], connection: headers.connection, body: text(stream) };
}

export const http2Preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** One frame (RFC 9113, section 4.1). */
export function http2Frame(type: number, flags: number, stream: number, payload: number[]): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, Buffer.from(payload)]);
}
