import {
  IncomingMessage,
  type RequestListener,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import type { Connection, Connections } from "./connections.ts";
import type { Fault, FaultAnswer, Timeouts } from "./options.ts";

/**
 * A request over HTTP/1.1 that one may stop reading at any message: the rest of it is discarded
 * once its response is written. Node's own is destroyed when an iteration over it ends early, and
 * its connection then neither goes on nor ends.
 */
export class Http1Request extends IncomingMessage {
  readonly arrivedAt = performance.now();
  bodyBytes = 0;

  override push(chunk: Uint8Array | null, encoding?: BufferEncoding): boolean {
    this.bodyBytes += chunk?.length ?? 0;
    return super.push(chunk, encoding);
  }

  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Uint8Array> {
    return this.iterator({ destroyOnReturn: false });
  }

  /**
   * Reads what is left, for nobody, so that the connection can go on. Node does so itself where
   * nobody has begun to read. The timeout for a whole request bounds it.
   */
  discardRest(): void {
    this.removeAllListeners("readable").removeAllListeners("data").resume();
  }
}

type Response = ServerResponse<Http1Request>;

/** What the connections of a server have in common. */
export interface Http1Service {
  readonly serve: RequestListener<typeof Http1Request>;
  readonly connections: Connections;
  readonly timeouts: Timeouts;
}

/** About what Node keeps for a request that it has read, and for its response. */
const requestBytes = 4 * 1024;

/**
 * A connection over HTTP/1.1. A client may send requests one after the other without waiting
 * (pipelining), and Node begins them all. Here each waits for its turn, which comes when the system
 * has taken the answer to the one before; nothing more is read meanwhile. So what a peer lets wait
 * is one answer, and what came in one read.
 */
export class Http1Connection implements Connection {
  readonly protocol = "http1";
  readonly socket: Socket;
  readonly openedAt = performance.now();
  idleSince = this.openedAt;
  readonly #service: Http1Service;
  #current: Response | undefined;
  readonly #waiting: Response[] = [];
  /** Answers what came after these and is no request. */
  #answerFault: (() => void) | undefined;
  #retired = false;
  #begunAt = 0;
  #takenBytes = 0;
  #takenAt = 0;
  #endedAt = Infinity;

  constructor(socket: Socket, service: Http1Service) {
    this.socket = socket;
    this.#service = service;
    // Comes also when somebody reads the body of a request.
    socket.on("resume", () => {
      if (this.#waiting.length > 0) {
        this.#stopReading();
      }
    });
  }

  get requests(): number {
    return this.#current === undefined ? 0 : 1;
  }

  /** Answers a request when its turn has come. */
  take(response: Response): void {
    if (this.#current === undefined && this.#answerFault === undefined) {
      this.#begin(response);
    } else if (this.#waiting.push(response) === 1) {
      this.#stopReading();
    }
  }

  #begin(response: Response): void {
    this.#service.connections.begin(this);
    this.#current = response;
    this.#begunAt = this.#takenAt = performance.now();
    response.on("close", this.#goOn);
    if (this.#retired) {
      this.#announceEnd(response);
    }
    this.#service.serve(response.req, response);
  }

  readonly #goOn = (): void => {
    const request = this.#current?.req;
    this.#current = undefined;
    this.#service.connections.ended();
    this.idleSince = performance.now();
    if (request?.complete === false) {
      request.discardRest();
    }
    if (this.socket.destroyed) {
      return;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#begin(next);
      if (this.#waiting.length === 0 && this.#answerFault === undefined) {
        this.#readOn();
      }
    } else if (this.#answerFault !== undefined) {
      this.#answerFault();
    } else if (this.#retired) {
      this.socket.destroySoon();
    }
  };

  /** Takes note of bytes that are no request: the requests before them get their answers first. */
  fail(status: Fault["status"], answer: () => FaultAnswer): void {
    if (this.#answerFault !== undefined) {
      return;
    }
    this.#answerFault = () => this.#endWith(status, answer());
    if (this.#waiting.at(-1)?.req.complete === false) {
      this.#waiting.pop();
    }
    if (this.#current === undefined) {
      this.#answerFault();
    } else if (this.#current.req.complete) {
      this.#stopReading();
    } else if (this.#current.headersSent) {
      this.socket.destroy();
    } else {
      // It is this request that is broken off.
      this.#answerFault();
    }
  }

  /** The peer may still send: a connection that is closed before all is read loses its last bytes. */
  #endWith(status: Fault["status"], { headers, body }: FaultAnswer): void {
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `Date: ${new Date().toUTCString()}`,
      "Connection: close",
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    this.#endedAt = performance.now();
    this.socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
    this.#readOn();
  }

  #stopReading(): void {
    this.socket.pause();
    // Node reads by events: it stops at this one, which `pause` leaves out where "resume" is due.
    this.socket.emit("pause");
  }

  #readOn(): void {
    // Where Node itself waits for answers to be taken, it must not be made to read before.
    if (Reflect.get(this.socket, "_paused") !== true) {
      this.socket.resume();
    }
  }

  waitingBytes(): number {
    return this.socket.writableLength + this.#waiting.length * requestBytes;
  }

  check(now: number): void {
    const { socket } = this;
    const { writeMs, responseMs, graceMs } = this.#service.timeouts;
    const takenBytes = socket.writableLength === 0 ? -1 : countTakenBytes(socket);
    if (takenBytes === -1 || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#takenAt = now;
    }
    if (
      now - this.#takenAt >= writeMs ||
      (this.#current !== undefined && now - this.#begunAt >= responseMs) ||
      now - this.#endedAt >= graceMs
    ) {
      socket.destroy();
    }
  }

  retire(): void {
    this.#retired = true;
    if (this.#current !== undefined) {
      this.#announceEnd(this.#current);
    }
  }

  #announceEnd(response: Response): void {
    if (this.#waiting.length === 0 && !response.headersSent) {
      response.setHeader("Connection", "close");
    }
  }

  end(): void {
    this.retire();
    if (this.#current === undefined) {
      this.socket.destroy();
    }
  }
}

/**
 * How many bytes the system has taken. A socket itself tells only of whole writes; its handle is
 * not documented, and asked by Node's own timeout for the same.
 */
function countTakenBytes(socket: Socket): number {
  const { bytesWritten = 0, writeQueueSize = 0 } = Reflect.get(socket, "_handle") ?? {};
  return bytesWritten - writeQueueSize;
}
