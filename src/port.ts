import {
  createOnePortServer,
  type OnePortServer,
  type TlsFilesError,
} from "@partner-service/one-port-server";
import type { Config } from "./config.ts";

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
