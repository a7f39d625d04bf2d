import { Agent, request as http1Request } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";
import type { DearRequest } from "./requests.ts";

/** Sends requests to a server, each kind on one connection of its version of HTTP. */
export interface Sender {
  /** Sends the request, reads its answer to the end and throws that away. */
  send(request: DearRequest): Promise<void>;
  close(): void;
}

export function createSender(port: number): Sender {
  const origin = `http://127.0.0.1:${port}`;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let session: ClientHttp2Session | undefined;

  function sendHttp1({ method, path, headers, body }: DearRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      http1Request(`${origin}${path}`, { method, agent, headers })
        .on("response", (response) => response.resume().on("end", resolve).on("error", reject))
        .on("error", reject)
        .end(body);
    });
  }

  function sendHttp2({ method, path, headers, body }: DearRequest): Promise<void> {
    if (session === undefined || session.closed) {
      session = connect(origin);
    }
    const stream = session.request({ ...headers, ":method": method, ":path": path });
    return new Promise((resolve, reject) => {
      stream.on("end", resolve).on("error", reject).resume().end(body);
    });
  }

  return {
    send: (request) => (request.version === "HTTP/2" ? sendHttp2(request) : sendHttp1(request)),
    close() {
      agent.destroy();
      session?.close();
    },
  };
}
