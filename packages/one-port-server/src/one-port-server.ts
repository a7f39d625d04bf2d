import { readFileSync } from "node:fs";
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import https from "node:https";
import net, { type Socket } from "node:net";
import { createAcceptFirst, onceAllAccepted } from "./accept-queue.ts";
import { Connections, type ServerStats, UndecidedConnection } from "./connections.ts";
import { Http1Connection, Http1Request } from "./http1-connection.ts";
import { createHttp2Acceptor } from "./http2-connection.ts";
import { Http1Response } from "./observed-messages.ts";
import {
  defaultLimits,
  defaultTimeouts,
  type Fault,
  type FaultAnswer,
  type OnePortServerOptions,
} from "./options.ts";
import { sniffPreface } from "./preface-sniffer.ts";
import { TlsIdentity, watchHandshakes } from "./tls.ts";

export interface OnePortServer {
  /** Makes the server that listens; for Fastify, or with the handler of requests of both protocols. */
  readonly serverFactory: (handler: RequestHandler) => http.Server;
  /**
   * Makes Fastify's `clientErrorHandler`, or the listener for `clientError`, which answers what is
   * no request over HTTP/1.1, after the requests before it. Without an answer it has a status only.
   */
  readonly answerFaults: (
    answer?: (fault: Fault) => FaultAnswer,
  ) => (error: Error & { code?: string }, socket: Socket) => void;
  stats(): ServerStats;
  /** Takes up the TLS files now, if they have changed. */
  reloadTls(): void;
  /** When the time of the certificate is over; undefined in cleartext. */
  certificateExpiresAt(): Date | undefined;
}

/** As Fastify's handler, which takes the requests of either protocol, is typed. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** What else the process needs open files for: its database, its logs, Node's own. */
const reservedFiles = 64;

/**
 * Lets Fastify, or a handler, serve HTTP/1.1 and HTTP/2 on one port: cleartext, where HTTP/2 comes
 * with prior knowledge (h2c, as gRPC clients speak it), or TLS, where ALPN tells the protocol. It is
 * Node's own HTTP server that listens, so that its limits and timeouts hold.
 *
 * The server's `close()` accepts what waits to be, and then no more. For a grace period it still takes
 * what comes on its connections and tells their peers that they end: `Connection: close` over
 * HTTP/1.1, GOAWAY over HTTP/2. Then it ends what is idle and lets the requests in flight finish.
 * `closeAllConnections()` ends whatever is left at once. A request without a valid Host is the
 * handler's to refuse.
 *
 * @throws TlsFilesError
 */
export function createOnePortServer(options: OnePortServerOptions = {}): OnePortServer {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const given = { ...defaultLimits, ...options.limits };
  const limits = { ...given, connections: Math.min(given.connections, countFiles()) };
  const identity = options.tls && new TlsIdentity(options.tls);
  const connections = new Connections(limits, timeouts);
  const http1Connections = new WeakMap<Socket, Http1Connection>();
  const secureServers = new Set<https.Server>();
  const reloadTls = () => identity?.reload(secureServers);

  function serverFactory(handler: RequestHandler): http.Server {
    const { serve, noteAccepted } = createAcceptFirst(handler);
    const common = {
      IncomingMessage: Http1Request,
      ServerResponse: Http1Response,
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      keepAliveTimeout: timeouts.idleMs,
      connectionsCheckingInterval: timeouts.checkIntervalMs,
      // Finds out about peers that vanished in the middle of a long response.
      keepAlive: true,
      keepAliveInitialDelay: timeouts.idleMs,
      requireHostHeader: false,
    };
    const http1Service = { serve, connections, timeouts };
    // A handler that takes requests of both protocols, which its type does not say.
    const serveHttp2 = serve as unknown as (
      request: Http2ServerRequest,
      response: Http2ServerResponse,
    ) => void;
    const acceptHttp2 = createHttp2Acceptor({ serve: serveHttp2, connections, timeouts, limits });

    function acceptHttp1(socket: Socket): void {
      // Before the connection, whose word on when to read is the last.
      readHttp1(socket);
      const connection = new Http1Connection(socket, http1Service);
      http1Connections.set(socket, connection);
      connections.add(connection);
    }

    let server: http.Server<typeof Http1Request>;
    let readHttp1: (socket: Socket) => void;
    if (identity === undefined) {
      server = http.createServer(common);
      readHttp1 = takeListener(server, "connection");
      server.on("connection", (socket: Socket) => {
        const undecided = new UndecidedConnection(socket);
        connections.add(undecided);
        const decided = (accept: (socket: Socket) => void) => () => {
          connections.remove(undecided);
          accept(socket);
        };
        sniffPreface(socket, {
          http1: decided(acceptHttp1),
          http2: decided(acceptHttp2),
          timeoutMs: timeouts.headersMs,
        });
      });
    } else {
      const secure = https.createServer({
        ...common,
        ...identity.serverOptions,
        ALPNProtocols: ["h2", "http/1.1"],
        handshakeTimeout: timeouts.headersMs,
      });
      server = secure;
      readHttp1 = takeListener(server, "secureConnection");
      const undecided = new WeakMap<Socket, UndecidedConnection>();
      watchHandshakes(secure, {
        begun(socket) {
          const connection = new UndecidedConnection(socket);
          undecided.set(socket, connection);
          connections.add(connection);
        },
        done(socket, tlsSocket) {
          const connection = undecided.get(socket);
          if (connection !== undefined) {
            connections.remove(connection);
          }
          if (tlsSocket.alpnProtocol === "h2") {
            acceptHttp2(tlsSocket);
          } else {
            acceptHttp1(tlsSocket);
            // Node reads HTTP from the source of a socket's data, past the stream, unless somebody
            // listens. A TLS connection gives all that has arrived, even where Node stops it in
            // between because a response waits to be taken: Node then takes the next piece for an
            // error.
            tlsSocket.on("data", () => {});
          }
        },
      });
      secure.on("listening", () => {
        secureServers.add(secure);
        const unwatch = identity.watch(reloadTls);
        secure.once("close", () => {
          unwatch();
          secureServers.delete(secure);
        });
      });
    }
    server.on("connection", noteAccepted);
    const take: RequestListener<typeof Http1Request> = (request, response) => {
      http1Connections.get(request.socket)?.take(response);
    };
    server.on("request", take);
    // An expectation that nobody knows may be ignored (RFC 9110, section 10.1.1). Node would answer
    // it at once, out of turn and past the handler.
    server.on("checkExpectation", take);
    server.on("listening", () => {
      const checks = setInterval(() => connections.check(), timeouts.checkIntervalMs).unref();
      server.once("close", () => clearInterval(checks));
    });

    return Object.assign(server, {
      close(done?: (error?: Error) => void) {
        onceAllAccepted(server, () => {
          // Node's HTTP server would end idle connections at once.
          net.Server.prototype.close.call(server, done);
          // Only now: peers that are told make new connections.
          connections.retire();
          const ending = setTimeout(() => connections.end(), timeouts.graceMs);
          server.once("close", () => clearTimeout(ending));
        });
        return server;
      },
      closeIdleConnections() {},
      closeAllConnections() {
        connections.destroy();
      },
    });
  }

  return {
    serverFactory,
    answerFaults(answer = () => ({ headers: {}, body: "" })) {
      return (error, socket) => {
        const connection = http1Connections.get(socket);
        if (connection === undefined || error.code === "ECONNRESET") {
          socket.destroy(error);
        } else {
          const status = statusOf(error);
          connection.fail(status, () => answer({ status, cause: error }));
        }
      };
    },
    stats: () => connections.stats(),
    reloadTls,
    certificateExpiresAt: () => identity?.expiresAt,
  };
}

function statusOf({ code }: { code?: string }): Fault["status"] {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return 408;
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return 413;
    case "HPE_HEADER_OVERFLOW":
      return 431;
    default:
      return 400;
  }
}

/** Takes from the server the listener by which it reads HTTP/1.1 from each of its sockets. */
function takeListener(server: http.Server, event: string): (socket: Socket) => void {
  const [listener] = server.listeners(event);
  if (listener === undefined) {
    throw new Error(`Node's HTTP server does not listen for "${event}" any more.`);
  }
  server.removeAllListeners(event);
  return (socket) => listener.call(server, socket);
}

/** How many connections the process may open files for, where the system tells (Linux). */
function countFiles(): number {
  try {
    const [, soft] =
      /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return Math.max(1, Number(soft ?? Infinity) - reservedFiles);
  } catch {
    return Infinity;
  }
}
