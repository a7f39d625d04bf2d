import http2, {
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { Connection, Connections } from "./connections.ts";
import { Http2Request, Http2Response } from "./observed-messages.ts";
import type { Limits, Timeouts } from "./options.ts";

/** What the connections of a port have in common. */
export interface Http2Service {
  readonly serve: (request: Http2ServerRequest, response: Http2ServerResponse) => void;
  readonly connections: Connections;
  readonly timeouts: Timeouts;
  readonly limits: Limits;
}

/**
 * Returns what serves HTTP/2 on a socket. The settings are for small unary calls: a whole message
 * fits a stream's window, many of them fit a connection's, which also bounds what a peer can make
 * us buffer. Headers are bounded as Node bounds HTTP/1.1's, from when the peer has acknowledged
 * these settings; before that Node stops at 64 KiB. Against floods (stream resets, SETTINGS, PING,
 * empty or invalid frames, header pairs) Node's default limits are in force.
 */
export function createHttp2Acceptor(service: Http2Service): (socket: Socket) => void {
  const server = http2.createServer({
    Http2ServerRequest: Http2Request,
    Http2ServerResponse: Http2Response,
    settings: {
      maxConcurrentStreams: service.limits.requestsPerConnection,
      maxHeaderListSize: 16 * 1024,
      initialWindowSize: 128 * 1024,
    },
  });
  const bySession = new WeakMap<object, Http2Connection>();
  server.on("request", (request, response) => {
    // A stream that has ended already has no session.
    if (request.stream.session !== undefined) {
      bySession.get(request.stream.session)?.take(request, response);
    }
  });
  return (socket) => {
    // The socket comes from a server that lets a peer close its half only. HTTP/2 knows no such
    // thing: without this a connection whose peer has gone would stay.
    socket.allowHalfOpen = false;
    server.once("session", (session) => {
      session.setLocalWindowSize(1024 * 1024);
      const connection = new Http2Connection(socket, session, service);
      bySession.set(session, connection);
      service.connections.add(connection);
    });
    // Emits "session" before it returns.
    server.emit("connection", socket);
  };
}

/**
 * How many requests of a connection may be begun before an answer is taken: what they make is not
 * known yet, and a peer that takes nothing lets all of it wait.
 */
const firstRequests = 16;

interface StreamProgress {
  readonly openedAt: number;
  /** Bytes that wait for the peer, and since when none of them was taken. */
  waitingBytes: number;
  waitingSince: number;
  /** An earlier check has cancelled the stream. */
  cancelled: boolean;
}

/** A connection over HTTP/2, with the timeouts that Node has for HTTP/1.1 only. */
class Http2Connection implements Connection {
  readonly protocol = "http2";
  readonly socket: Socket;
  readonly openedAt = performance.now();
  idleSince = this.openedAt;
  readonly #session: ServerHttp2Session;
  readonly #service: Http2Service;
  readonly #streams = new Map<ServerHttp2Stream, StreamProgress>();
  /**
   * Requests that are not begun, because too many bytes wait for the peer, or would. A stream that
   * ends, or the next check, finds out that it has taken them.
   */
  readonly #waiting: [Http2ServerRequest, Http2ServerResponse][] = [];
  /** How many requests may be begun: each that is taken lets two more, up to as many as there may be. */
  #credit: number;
  /** The bytes that wait, as they were counted in this turn of the event loop; a stream's end has them counted anew. */
  #countedBytes: number | undefined;
  /** As many requests as have ever been in flight at a time. */
  #mostRequests = 0;
  #retiredAt: number | undefined;
  /** An earlier check found the connection over, or has ended it. */
  #ended = false;

  constructor(socket: Socket, session: ServerHttp2Session, service: Http2Service) {
    this.socket = socket;
    this.#session = session;
    this.#service = service;
    this.#credit = Math.min(firstRequests, service.limits.requestsPerConnection);
    // Before Node's own listener, which emits the request.
    session.prependListener("stream", (stream) => this.#follow(stream));
  }

  get requests(): number {
    return this.#streams.size;
  }

  #follow(stream: ServerHttp2Stream): void {
    if (!this.#service.connections.begin(this)) {
      stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const now = performance.now();
    const progress = { openedAt: now, waitingBytes: 0, waitingSince: now, cancelled: false };
    this.#streams.set(stream, progress);
    this.#mostRequests = Math.max(this.#mostRequests, this.#streams.size);
    if (this.#retiredAt !== undefined && this.#streams.size === this.#mostRequests) {
      this.#session.close();
    }
    stream.on("close", () => {
      this.#streams.delete(stream);
      this.#service.connections.ended();
      this.idleSince = performance.now();
      this.#credit = Math.min(this.#credit + 2, this.#service.limits.requestsPerConnection);
      this.#countedBytes = undefined;
      this.#beginWaiting();
    });
    stream.on("finish", () => discardRequest(stream));
  }

  take(request: Http2ServerRequest, response: Http2ServerResponse): void {
    if (!this.#streams.has(request.stream)) {
      return;
    }
    if (this.#waiting.length > 0 || !this.#mayBegin()) {
      this.#waiting.push([request, response]);
    } else {
      this.#begin(request, response);
    }
  }

  #mayBegin(): boolean {
    if (this.#countedBytes === undefined) {
      this.#countedBytes = this.waitingBytes();
      setImmediate(() => {
        this.#countedBytes = undefined;
      });
    }
    if (this.#countedBytes < this.#service.limits.waitingBytesPerConnection) {
      return this.#credit > 0;
    }
    this.#credit = Math.min(this.#credit, firstRequests);
    return false;
  }

  #begin(request: Http2ServerRequest, response: Http2ServerResponse): void {
    this.#credit -= 1;
    this.#service.serve(request, response);
  }

  #beginWaiting(): void {
    while (this.#waiting.length > 0 && this.#mayBegin()) {
      const [request, response] = this.#waiting.shift() ?? [];
      if (request !== undefined && response !== undefined && !request.stream.destroyed) {
        this.#begin(request, response);
      }
    }
  }

  waitingBytes(): number {
    let bytes = 0;
    for (const stream of this.#streams.keys()) {
      bytes += stream.writableLength;
    }
    return bytes;
  }

  /** Ends in the protocol's own way first, and by force if the peer has not taken that a check later. */
  check(now: number): void {
    const { timeouts } = this.#service;
    for (const [stream, progress] of this.#streams) {
      if (isOverdue(stream, progress, now, timeouts)) {
        if (progress.cancelled) {
          this.socket.destroy();
          return;
        }
        progress.cancelled = true;
        stream.close(http2.constants.NGHTTP2_CANCEL);
      }
    }
    // Streams that stay open give nothing back, and wait for something else than the peer.
    this.#credit = Math.max(this.#credit, firstRequests);
    this.#beginWaiting();
    const session = this.#session;
    if (this.#retiredAt !== undefined && now - this.#retiredAt >= timeouts.graceMs) {
      this.end();
    }
    const over = session.closed || session.destroyed || now - this.idleSince >= timeouts.idleMs;
    if (this.#streams.size === 0 && over) {
      if (this.#ended) {
        this.socket.destroy();
        return;
      }
      this.#ended = true;
      session.close();
    }
  }

  /**
   * Whatever the peer sent before it learns of a GOAWAY is lost, and it has to send it again. So
   * that is sent when as many requests are here as ever were: most likely none is on its way.
   */
  retire(): void {
    this.#retiredAt ??= performance.now();
  }

  end(): void {
    if (!this.#session.closed) {
      this.#session.close();
    }
  }
}

/**
 * Reads what is left of the request, for nobody, once its response is written. Node does so over
 * HTTP/1.1. Over HTTP/2 it keeps the stream until somebody has read the request to its end, and
 * with the stream the connection, even when the peer has gone.
 */
function discardRequest(stream: ServerHttp2Stream): void {
  if (!stream.readableEnded) {
    stream.removeAllListeners("data").resume();
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
  const age = now - progress.openedAt;
  return (
    now - progress.waitingSince >= timeouts.writeMs ||
    age >= timeouts.responseMs ||
    (age >= timeouts.requestMs && isRequestIncomplete(stream))
  );
}

function isRequestIncomplete(stream: ServerHttp2Stream): boolean {
  const { state } = stream.state;
  return (
    state === http2.constants.NGHTTP2_STREAM_STATE_OPEN ||
    state === http2.constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL
  );
}
