/**
 * HTTP/1.1, h2c and TLS on one port, bounded, as a Fastify `serverFactory`.
 *
 * @module
 */
export { createServerFactory, type OnePortServerOptions } from "./one-port-server.ts";
export type { Timeouts } from "./timeouts.ts";
