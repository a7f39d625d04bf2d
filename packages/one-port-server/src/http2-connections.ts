import http2, { type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { FastifyServerFactoryHandler } from "fastify";
import type { Timeouts } from "./timeouts.ts";

/** The HTTP/2 connections of a server, with the timeouts that Node has for HTTP/1.1 only. */
export interface Http2Connections {
  /** Serves the requests that arrive on the socket. */
  accept(socket: Socket): void;
  /** Cuts off what is overdue. To be called every now and then, as long as there are connections. */
  check(): void;
  /** Announces the end to every peer (GOAWAY) and lets the streams in flight finish. */
  close(): void;
}

interface Connection {
  readonly socket: Socket;
  readonly session: ServerHttp2Session;
  readonly streams: Map<ServerHttp2Stream, StreamProgress>;
  /** When the last stream ended. */
  idleSince: number;
  /** An earlier check found the connection over, or has ended it. */
  ended: boolean;
}

interface StreamProgress {
  readonly openedAt: number;
  /** Bytes that wait for the peer, and since when none of them was taken. */
  waitingBytes: number;
  waitingSince: number;
  /** An earlier check has cancelled the stream. */
  cancelled: boolean;
}

/**
 * For small unary calls: a whole message fits a stream's window, many of them fit a connection's,
 * which also bounds what a peer can make us buffer. Headers are bounded as Node bounds HTTP/1.1's,
 * from when the peer has acknowledged these settings; before that Node stops at 64 KiB.
 * Against floods (stream resets, SETTINGS, PING, empty or invalid frames, header pairs) Node's
 * default limits are in force.
 */
const settings = {
  maxConcurrentStreams: 256,
  maxHeaderListSize: 16 * 1024,
  initialWindowSize: 128 * 1024,
};
const connectionWindowSize = 1024 * 1024;

export function createHttp2Connections(
  handler: FastifyServerFactoryHandler,
  timeouts: Timeouts,
): Http2Connections {
  const connections = new Set<Connection>();
  const server = http2.createServer({ settings });
  // Fastify's handler takes the requests of either protocol but is typed for that of the server
  // that listens; the listener type for events at large accepts it.
  server.on("request", handler);

  function accept(socket: Socket): void {
    // The socket comes from a server that lets a peer close its half only. HTTP/2 knows no such
    // thing: without this a connection whose peer has gone would stay.
    socket.allowHalfOpen = false;
    server.once("session", (session) => follow(socket, session));
    // Emits "session" before it returns.
    server.emit("connection", socket);
  }

  function follow(socket: Socket, session: ServerHttp2Session): void {
    const streams: Connection["streams"] = new Map();
    const connection = { socket, session, streams, idleSince: performance.now(), ended: false };
    connections.add(connection);
    socket.once("close", () => connections.delete(connection));
    session.setLocalWindowSize(connectionWindowSize);
    session.on("stream", (stream) => {
      const now = performance.now();
      streams.set(stream, {
        openedAt: now,
        waitingBytes: 0,
        waitingSince: now,
        cancelled: false,
      });
      stream.on("close", () => {
        streams.delete(stream);
        connection.idleSince = performance.now();
      });
      stream.on("finish", () => discardRequest(stream));
    });
  }

  return {
    accept,

    check() {
      const now = performance.now();
      for (const connection of connections) {
        checkConnection(connection, now, timeouts);
      }
    },

    close() {
      for (const { session } of connections) {
        session.close();
      }
    },
  };
}

/**
 * Reads what is left of the request, for nobody, once its response is written. Node does so over
 * HTTP/1.1. Over HTTP/2 it keeps the stream until somebody has read the request to its end, and
 * with the stream the connection, even when the peer has gone.
 */
function discardRequest(stream: ServerHttp2Stream): void {
  stream.removeAllListeners("data").resume();
}

/** Ends in the protocol's own way first, and by force if the peer has not taken that a check later. */
function checkConnection(connection: Connection, now: number, timeouts: Timeouts): void {
  const { socket, session, streams, idleSince } = connection;
  for (const [stream, progress] of streams) {
    if (isOverdue(stream, progress, now, timeouts)) {
      if (progress.cancelled) {
        socket.destroy();
        return;
      }
      progress.cancelled = true;
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }
  }
  const over = session.closed || session.destroyed || now - idleSince >= timeouts.idleMs;
  if (streams.size === 0 && over) {
    if (connection.ended) {
      socket.destroy();
      return;
    }
    connection.ended = true;
    session.close();
  }
}

/** Whether the peer keeps us waiting too long, for its request or to take our response. */
function isOverdue(
  stream: ServerHttp2Stream,
  progress: StreamProgress,
  now: number,
  timeouts: Timeouts,
): boolean {
  const waitingBytes = stream.writableLength;
  if (waitingBytes === 0 || waitingBytes < progress.waitingBytes) {
    progress.waitingSince = now;
  }
  progress.waitingBytes = waitingBytes;
  return (
    now - progress.waitingSince >= timeouts.writeMs ||
    (now - progress.openedAt >= timeouts.requestMs && isRequestIncomplete(stream))
  );
}

function isRequestIncomplete(stream: ServerHttp2Stream): boolean {
  const { state } = stream.state;
  return (
    state === http2.constants.NGHTTP2_STREAM_STATE_OPEN ||
    state === http2.constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL
  );
}
