/**
 * What every Connect server wants: gRPC's health checks, server reflection, and bounds for streams and callers.
 *
 * @module
 */
export {
  Health,
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
} from "../gen/grpc/health/v1/health_pb.ts";
export {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../gen/grpc/reflection/v1/reflection_pb.ts";
export { ServerReflection as ServerReflectionAlpha } from "../gen/grpc/reflection/v1alpha/reflection_pb.ts";
export { createHealthService } from "./health.ts";
export { createRateLimiter, type RateLimit } from "./rate-limiter.ts";
export { createReadiness, type Readiness } from "./readiness.ts";
export { mountReflection } from "./reflection.ts";
export { createStreamLimits, type StreamLimits, type StreamShare } from "./stream-limits.ts";
