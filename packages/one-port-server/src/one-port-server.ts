import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import type { FastifyServerFactory } from "fastify";
import { createHttp1Connections } from "./http1-connections.ts";
import { Http1Request } from "./http1-request.ts";
import { createHttp2Connections } from "./http2-connections.ts";
import { limitPipelining } from "./pipelining.ts";
import { sniffPrefaces } from "./preface-sniffer.ts";
import { defaultTimeouts, type Timeouts } from "./timeouts.ts";
import { watchTlsHandshakes } from "./tls-handshakes.ts";

export interface OnePortServerOptions {
  /** PEM texts. Absent: cleartext. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  readonly timeouts?: Partial<Timeouts>;
}

/**
 * Lets Fastify serve HTTP/1.1 and HTTP/2 on one port: cleartext, where HTTP/2 comes with prior
 * knowledge (h2c, as gRPC clients speak it), or TLS, where ALPN tells the protocol. It is Node's
 * own HTTP server that listens, so that its limits and timeouts hold.
 *
 * `close()` ends idle connections, lets the requests in flight finish and tells their peers that
 * the connection ends: `Connection: close` over HTTP/1.1, GOAWAY over HTTP/2.
 * `closeAllConnections()` ends whatever is left at once, over either protocol.
 */
export function createServerFactory(options: OnePortServerOptions): FastifyServerFactory {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  return (handler) => {
    const server = createServer(options.tls, timeouts);
    const serveHttp1 = takeListener(server, options.tls ? "secureConnection" : "connection");
    const http1 = createHttp1Connections(server, serveHttp1, timeouts.writeMs);
    const http2 = createHttp2Connections(handler, timeouts);
    const protocols = { http1: http1.accept, http2: http2.accept };
    const undecided = options.tls
      ? watchTlsHandshakes(server, protocols)
      : sniffPrefaces(server, { ...protocols, timeoutMs: timeouts.headersMs });
    server.on("request", limitPipelining(handler));

    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    server.on("listening", () => {
      const checks = setInterval(() => http2.check(), timeouts.checkIntervalMs).unref();
      server.once("close", () => clearInterval(checks));
    });

    const close = server.close.bind(server);
    return Object.assign(server, {
      close(done?: (error?: Error) => void) {
        undecided.close();
        http1.close();
        http2.close();
        return close(done);
      },
      closeAllConnections() {
        for (const socket of sockets) {
          socket.destroy();
        }
      },
    });
  };
}

/** Node's server for HTTP/1.1. Its sockets do not delay small writes (Nagle) unless told to. */
function createServer(
  tls: OnePortServerOptions["tls"],
  timeouts: Timeouts,
): http.Server<typeof Http1Request> {
  const common = {
    IncomingMessage: Http1Request,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.idleMs,
    connectionsCheckingInterval: timeouts.checkIntervalMs,
    // Finds out about peers that vanished in the middle of a long response.
    keepAlive: true,
    keepAliveInitialDelay: timeouts.idleMs,
  };
  return tls === undefined
    ? http.createServer(common)
    : https.createServer({
        ...common,
        ...tls,
        ALPNProtocols: ["h2", "http/1.1"],
        handshakeTimeout: timeouts.headersMs,
      });
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
