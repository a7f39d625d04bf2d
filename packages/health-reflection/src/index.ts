/**
 * What every Connect server wants: gRPC's health checks and server reflection.
 *
 * @module
 */
export { createHealthService } from "./health.ts";
export { mountReflection } from "./reflection.ts";
