import {
  createOnePortServer,
  type OnePortServer,
  type TlsFilesError,
} from "@partner-service/one-port-server";
import type { Config } from "./config.ts";

/** The port that the service listens on, as the settings say. */
export function createPort(
  config: Config,
  onTlsReload?: (failure: TlsFilesError | undefined) => void,
): OnePortServer {
  return createOnePortServer({
    ...(config.tls === undefined ? {} : { tls: { ...config.tls, onReload: onTlsReload } }),
    limits: {
      connections: config.maxConnections,
      requests: config.maxRequests,
      requestsPerConnection: config.maxRequestsPerConnection,
      waitingBytes: config.maxWaitingBytes,
      waitingBytesPerConnection: config.maxWaitingBytesPerConnection,
    },
    timeouts: {
      headersMs: config.headersTimeoutMs,
      requestMs: config.requestTimeoutMs,
      idleMs: config.idleTimeoutMs,
      writeMs: config.writeTimeoutMs,
      responseMs: config.maxResponseMs,
      connectionMs: config.maxConnectionMs,
      graceMs: config.shutdownGraceMs,
    },
  });
}
