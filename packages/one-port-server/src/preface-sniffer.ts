import type { Socket } from "node:net";

/** What every HTTP/2 connection begins with, and no HTTP/1.1 request can (RFC 9113, section 3.4). */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export interface SnifferOptions {
  readonly http1: (socket: Socket) => void;
  readonly http2: (socket: Socket) => void;
  /** A socket that has not told its protocol after this time is destroyed. */
  readonly timeoutMs: number;
}

/** Hands a socket on, all its bytes still unread, as soon as the first of them tell the protocol. */
export function sniffPreface(socket: Socket, { http1, http2, timeoutMs }: SnifferOptions): void {
  let received: Buffer = Buffer.alloc(0);
  const destroy = () => socket.destroy();
  const timer = setTimeout(destroy, timeoutMs);

  function release(): void {
    clearTimeout(timer);
    socket.off("data", decide).off("end", destroy).off("error", ignore).off("close", release);
  }

  function decide(chunk: Buffer): void {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const length = Math.min(received.length, preface.length);
    const matches = preface.compare(received, 0, length, 0, length) === 0;
    if (matches && length < preface.length) {
      return;
    }
    release();
    // Paused, the socket keeps the bytes for whoever reads it next.
    socket.pause();
    socket.unshift(received);
    if (matches) {
      http2(socket);
    } else {
      http1(socket);
      socket.resume();
    }
  }

  socket.on("data", decide).on("end", destroy).on("error", ignore).on("close", release);
}

/** A peer that resets its connection before it said anything concerns nobody; Node destroys it. */
function ignore(): void {}
