/**
 * Connect's Fastify plugin, with a direct lane for unary calls.
 *
 * @module
 */

export { readRequestUrl } from "./request-url.ts";
export { connectPluginWithUnaryLane, type LaneCall } from "./unary-lane.ts";
