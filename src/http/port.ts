import {
  createOnePortServer,
  type OnePortServer,
  type TlsFilesError,
} from "@partner-service/one-port-server";
import { StartError } from "@partner-service/settings";
import type { FastifyInstance } from "fastify";
import type { Config } from "../config/config.ts";

export function createPort(
  config: Config,
  onTlsReload?: (failure: TlsFilesError | undefined) => void,
): OnePortServer {
  return createOnePortServer({
    ...(config.tls === undefined ? {} : { tls: { ...config.tls, onReload: onTlsReload } }),
    limits: config.limits,
    timeouts: { ...config.timeouts, graceMs: config.shutdownGraceMs },
  });
}

/**
 * Starts listening, and returns the URL.
 *
 * @throws StartError
 */
export async function listen(
  app: FastifyInstance,
  { host, port, reusePort, limits, tls }: Config,
): Promise<string> {
  // That the server of its factory speaks TLS Fastify does not know.
  const withScheme = (url: string) => (tls === undefined ? url : url.replace("http:", "https:"));
  const listenTextResolver = (url: string) => `Server listening at ${withScheme(url)}`;
  // As many as may be open may come at once. Linux has the others try again, a second later and more.
  const backlog = limits.connections;
  // Fastify hands its options on to Node, reusePort too, which its types lack.
  const address = { host, port, reusePort, backlog, listenTextResolver };
  try {
    return withScheme(await app.listen(address));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const message = listenProblems(host, port)[String(code)];
    throw message === undefined ? cause : new StartError(message, { cause });
  }
}

function listenProblems(host: string, port: number): Readonly<Record<string, string>> {
  const noAddress = `HOST (${host}) is not an address of this machine: name one that is, or 0.0.0.0 for all.`;
  return {
    EADDRINUSE: `PORT (${port}) is in use on ${host}: end what listens there, or set another; 0 takes a free one.`,
    EACCES: `PORT (${port}) is one that this process may not listen on: set one above 1023.`,
    EADDRNOTAVAIL: noAddress,
    ENOTFOUND: noAddress,
    EAI_AGAIN: noAddress,
    ENOTSUP: "REUSE_PORT is not to be had on this system: set it off.",
  };
}

/** Closes the app; after the timeout it cuts off what is left. Returns whether nothing was cut off. */
export async function closeWithin(app: FastifyInstance, timeoutMs: number): Promise<boolean> {
  let clean = true;
  const timer = setTimeout(() => {
    clean = false;
    app.server.closeAllConnections();
  }, timeoutMs);
  await app.close();
  clearTimeout(timer);
  return clean;
}
