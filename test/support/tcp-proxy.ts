import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { freePort } from "./free-port.ts";

/** A way to a server that can be broken. */
export interface TcpProxy {
  /** The server's URL, by way of the proxy. */
  readonly url: string;
  /** Breaks all connections and refuses new ones. */
  stop(): Promise<void>;
  /** Lets connections through again. */
  start(): Promise<void>;
  /** From now on nothing passes on the connections that are there; new ones work. */
  silence(): void;
  /** Breaks the next connection that sends this text, once the server has answered it. */
  loseAnswerTo(text: string): void;
  close(): Promise<void>;
}

export async function createTcpProxy(serverUrl: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const silenced = new WeakSet<Socket>();
  let lostText: string | undefined;

  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    let answerIsLost = false;
    const track = (socket: Socket, other: Socket, onData: (data: Buffer) => void) => {
      sockets.add(socket);
      socket.on("data", (data: Buffer) => {
        if (!silenced.has(socket)) {
          onData(data);
        }
      });
      // The other side learns of a broken connection as it would without a proxy.
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    };
    track(client, server, (data) => {
      if (lostText !== undefined && data.includes(lostText)) {
        lostText = undefined;
        answerIsLost = true;
      }
      server.write(data);
    });
    track(server, client, (data) => {
      if (answerIsLost) {
        client.destroy();
      } else {
        client.write(data);
      }
    });
  });

  const ownPort = await freePort();
  async function start(): Promise<void> {
    proxy.listen(ownPort, "127.0.0.1");
    await once(proxy, "listening");
  }

  async function stop(): Promise<void> {
    const closed = new Promise((resolve) => proxy.close(resolve));
    for (const socket of sockets) {
      socket.destroy();
    }
    await closed;
  }

  await start();
  const url = new URL(serverUrl);
  url.hostname = "127.0.0.1";
  url.port = String(ownPort);
  return {
    url: url.href,
    stop,
    start,
    silence: () => {
      for (const socket of sockets) {
        silenced.add(socket);
      }
    },
    loseAnswerTo: (text) => {
      lostText = text;
    },
    close: stop,
  };
}
