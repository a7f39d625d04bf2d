/**
 * What every Connect server wants: gRPC's health checks and server reflection.
 *
 * @module
 */
export { createHealthService, type Readiness } from "./health.ts";
export { mountReflection } from "./reflection.ts";
