import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";

/** Who tells: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say more of it. */
export function createResource(name: string) {
  return defaultResource()
    .merge(resourceFromAttributes({ "service.name": name }))
    .merge(detectResources({ detectors: [envDetector] }));
}
