import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";

/** Who tells: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say more of it. */
export function createResource() {
  return defaultResource()
    .merge(resourceFromAttributes({ "service.name": "partner-service" }))
    .merge(detectResources({ detectors: [envDetector] }));
}
