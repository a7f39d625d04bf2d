import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createOnePortServer } from "@partner-service/one-port-server";
import { StartError } from "@partner-service/settings";

/** Where Prometheus asks, as METRICS_PORT and METRICS_HOST say it. */
export interface ScrapeAddress {
  readonly port: number;
  readonly host: string;
}

/**
 * Serves `GET /metrics` on a port of its own, which is not for callers of the service.
 *
 * @throws StartError where the port cannot be listened on
 */
export async function serveScrapes({ port, host }: ScrapeAddress, answer: RequestListener) {
  // Bounded as the port of the service is.
  const server = createOnePortServer().serverFactory((request, response) => {
    if (request.method === "GET" && request.url?.split("?", 1)[0] === "/metrics") {
      answer(request, response);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const message = `METRICS_PORT (${port}) on METRICS_HOST (${host}) cannot be listened on: ${cause.code}.`;
      reject(new StartError(message, { cause }));
    });
    // Exclusive: of several processes each has a port of its own.
    server.listen({ port, host, exclusive: true }, resolve).unref();
  });
  // A server that listens on a port has an address of this type.
  const address = server.address() as AddressInfo;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}/metrics`,
    close(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}
