/**
 * HTTP/1.1, h2c and TLS on one port, bounded, as a Fastify `serverFactory`.
 *
 * @module
 */
export { createCallerAddress, isAddressRange } from "./caller-address.ts";
export type { ServerStats } from "./connections.ts";
export { connectionOf, hasLeft, isSent } from "./exchange.ts";
export { isLoopback } from "./loopback.ts";
export { arrivalOf, bodyBytesOf } from "./observed-messages.ts";
export {
  createOnePortServer,
  type OnePortServer,
  type RequestHandler,
} from "./one-port-server.ts";
export {
  defaultTimeouts,
  type Fault,
  type FaultAnswer,
  type Limits,
  type OnePortServerOptions,
  type Timeouts,
} from "./options.ts";
export { describeTlsFailure, findTlsFiles, portSettings } from "./settings.ts";
export { type TlsFiles, TlsFilesError } from "./tls.ts";
