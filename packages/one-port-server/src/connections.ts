import type { Socket } from "node:net";
import type { Limits, Timeouts } from "./options.ts";

/** A connection, whichever protocol it speaks. */
export interface Connection {
  readonly protocol: "undecided" | "http1" | "http2";
  readonly socket: Socket;
  readonly openedAt: number;
  /** How many requests of it are in flight. */
  readonly requests: number;
  /** When the last of them ended, or the connection was opened. */
  readonly idleSince: number;
  /** Roughly how much memory holds what the peer has not taken, or not let us begin. */
  waitingBytes(): number;
  /** Cuts off what is overdue. Called every now and then. */
  check(now: number): void;
  /** Tells the peer, with what is answered from now on, that the connection ends. */
  retire(): void;
  /** Lets the requests in flight be the last. */
  end(): void;
}

export interface ServerStats {
  readonly connections: Readonly<Record<Connection["protocol"], number>>;
  /** Requests in flight, streams among them. */
  readonly requests: number;
  /** Bytes that wait for peers to take them. */
  readonly waitingBytes: number;
}

/** All connections of a port, and the bounds that hold for them together. */
export class Connections {
  readonly #limits: Limits;
  readonly #timeouts: Timeouts;
  readonly #connections = new Set<Connection>();
  #requests = 0;
  #retired = false;

  constructor(limits: Limits, timeouts: Timeouts) {
    this.#limits = limits;
    this.#timeouts = timeouts;
  }

  /** Follows a connection to its end. One too many costs the longest idle its place, or its own. */
  add(connection: Connection): void {
    if (this.#connections.size >= this.#limits.connections) {
      (this.#findIdlest() ?? connection).socket.destroy();
    }
    this.#connections.add(connection);
    connection.socket.once("close", () => this.remove(connection));
    if (this.#retired) {
      connection.retire();
    }
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection);
  }

  #findIdlest(): Connection | undefined {
    let idlest: Connection | undefined;
    for (const connection of this.#connections) {
      const { requests, idleSince, socket } = connection;
      if (requests === 0 && !socket.destroyed && idleSince < (idlest?.idleSince ?? Infinity)) {
        idlest = connection;
      }
    }
    return idlest;
  }

  /** Whether the connection may begin another request. It has to say when that ends. */
  begin({ requests }: Connection): boolean {
    const { requests: limit } = this.#limits;
    if (this.#requests >= limit && requests >= Math.max(1, limit / this.#connections.size)) {
      return false;
    }
    this.#requests += 1;
    return true;
  }

  ended(): void {
    this.#requests -= 1;
  }

  /** Cuts off what is overdue, and the peers that let most bytes wait while there are too many. */
  check(): void {
    const now = performance.now();
    const holders: { readonly socket: Socket; readonly bytes: number }[] = [];
    let waitingBytes = 0;
    for (const connection of this.#connections) {
      const { socket, openedAt } = connection;
      connection.check(now);
      if (now - openedAt >= this.#timeouts.connectionMs) {
        connection.retire();
      }
      const bytes = connection.waitingBytes();
      if (bytes > 0) {
        holders.push({ socket, bytes });
        waitingBytes += bytes;
      }
    }
    if (waitingBytes > this.#limits.waitingBytes) {
      for (const { socket, bytes } of holders.toSorted((a, b) => b.bytes - a.bytes)) {
        socket.destroy();
        waitingBytes -= bytes;
        if (waitingBytes <= this.#limits.waitingBytes) {
          break;
        }
      }
    }
  }

  /** Retires all connections, those that are still to come, too. */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#connections) {
      connection.retire();
    }
  }

  end(): void {
    for (const connection of this.#connections) {
      connection.end();
    }
  }

  destroy(): void {
    for (const { socket } of this.#connections) {
      socket.destroy();
    }
  }

  get size(): number {
    return this.#connections.size;
  }

  stats(): ServerStats {
    const connections = { undecided: 0, http1: 0, http2: 0 };
    let waitingBytes = 0;
    for (const connection of this.#connections) {
      connections[connection.protocol] += 1;
      waitingBytes += connection.waitingBytes();
    }
    return { connections, requests: this.#requests, waitingBytes };
  }
}

/** A connection that has not told its protocol yet. */
export class UndecidedConnection implements Connection {
  readonly protocol = "undecided";
  readonly socket: Socket;
  readonly openedAt = performance.now();
  readonly requests = 0;
  readonly idleSince = this.openedAt;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  waitingBytes(): number {
    return 0;
  }

  check(): void {}

  retire(): void {}

  end(): void {
    this.socket.destroy();
  }
}
