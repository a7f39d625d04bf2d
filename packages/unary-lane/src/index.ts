/**
 * Connect's Fastify plugin, with a direct lane for unary calls.
 *
 * @module
 */
export { connectPluginWithUnaryLane } from "./unary-lane.ts";
export { createUrlReader, type UrlReader } from "./url-reader.ts";
