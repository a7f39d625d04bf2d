import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** The connections of a TLS port whose handshake goes on. */
export interface TlsHandshakes {
  /** Destroys these connections. */
  close(): void;
}

export interface TlsHandshakesOptions {
  readonly http1: (socket: Socket) => void;
  readonly http2: (socket: Socket) => void;
}

/** Hands each connection on, after its handshake, to the protocol that ALPN chose. */
export function watchTlsHandshakes(server: Server, options: TlsHandshakesOptions): TlsHandshakes {
  // Node tells of the plain socket, and after the handshake of the TLS socket around it. What they
  // have in common is the peer's address.
  const handshakes = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    const peer = addressOf(socket);
    handshakes.set(peer, socket);
    socket.once("close", () => {
      if (handshakes.get(peer) === socket) {
        handshakes.delete(peer);
      }
    });
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    handshakes.delete(addressOf(socket));
    if (socket.alpnProtocol === "h2") {
      options.http2(socket);
    } else {
      options.http1(socket);
    }
  });
  return {
    close: () => {
      for (const socket of handshakes.values()) {
        socket.destroy();
      }
    },
  };
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
