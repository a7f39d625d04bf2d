import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Http1Request } from "./http1-request.ts";

/** The HTTP/1.1 connections of a server: adds to Node's own timeouts what they leave open. */
export interface Http1Connections {
  /** Serves the requests that arrive on the socket. */
  accept(socket: Socket): void;
  /** Lets every response in flight be the last of its connection, and ends the other connections. */
  close(): void;
}

/**
 * @param server - takes the requests; its event has to be emitted for connections elsewhere
 * @param serve - Node's own listener, which reads HTTP/1.1 from a socket
 * @param writeMs - a peer that takes nothing of a waiting response for this long is cut off
 */
export function createHttp1Connections(
  server: Server<typeof Http1Request>,
  serve: (socket: Socket) => void,
  writeMs: number,
): Http1Connections {
  /** Each connection with the newest response on it that is still in flight. */
  const connections = new Map<Socket, ServerResponse | undefined>();

  server.on("request", (request, response) => {
    const { socket } = request;
    connections.set(socket, response);
    response.on("close", () => {
      if (!request.complete) {
        request.discardRest();
      }
      if (connections.get(socket) === response) {
        connections.set(socket, undefined);
      }
    });
    // Called when nothing has happened on the socket for this time, which is fine as long as
    // nothing waits for the peer: the response is not ready yet, or streams.
    response.setTimeout(writeMs, () => {
      if (socket.writableLength > 0) {
        socket.destroy();
      }
    });
  });

  return {
    accept(socket) {
      connections.set(socket, undefined);
      socket.once("close", () => connections.delete(socket));
      serve(socket);
      if (socket instanceof TLSSocket) {
        // Node reads HTTP from the source of a socket's data, past the stream, unless somebody
        // listens. A TLS connection gives all that has arrived, even where Node stops it in between
        // because a response waits to be taken: Node then takes the next piece for an error.
        socket.on("data", () => {});
      }
    },

    close() {
      for (const [socket, response] of connections) {
        if (response === undefined) {
          socket.destroy();
        } else if (response.headersSent) {
          response.once("close", () => socket.destroySoon());
        } else {
          response.setHeader("Connection", "close");
        }
      }
    },
  };
}
