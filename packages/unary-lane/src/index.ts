/**
 * Connect's Fastify plugin, with a direct lane for unary calls.
 *
 * @module
 */

export { connectPluginWithUnaryLane, type LaneCall } from "./unary-lane.ts";
