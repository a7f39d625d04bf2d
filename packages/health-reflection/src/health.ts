import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import {
  type Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/grpc/health/v1/health_pb.ts";
import type { Readiness } from "./readiness.ts";
import { createStatusLoop } from "./status-loop.ts";

/** How often is looked whether the status has changed, while anybody watches. */
const watchIntervalMs = 1000;

/**
 * Implements grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md): the
 * status of the services, all of which need the same things, and of the server, whose name is "".
 *
 * All watchers share one loop that asks for the readiness. How many there may be, and for how long,
 * is up to the interceptor that `createStreamLimits` makes.
 */
export function createHealthService(
  readiness: Readiness,
  services: readonly DescService[],
): ServiceImpl<typeof Health> {
  const names = ["", ...services.map(({ typeName }) => typeName)];
  const loop = createStatusLoop(readiness, watchIntervalMs);

  return {
    async check({ service }) {
      if (!names.includes(service)) {
        throw new ConnectError("unknown service", Code.NotFound);
      }
      return { status: await loop.look() };
    },

    async list() {
      const status = await loop.look();
      return { statuses: Object.fromEntries(names.map((name) => [name, { status }])) };
    },

    async *watch({ service }, { signal }) {
      const leave = loop.join();
      try {
        let last: ServingStatus | undefined;
        for (;;) {
          const seen = await loop.status();
          const status = names.includes(service) ? seen : ServingStatus.SERVICE_UNKNOWN;
          if (status !== last) {
            yield { status };
            last = status;
          }
          if (
            signal.aborted ||
            (readiness.draining.aborted && seen === ServingStatus.NOT_SERVING)
          ) {
            return;
          }
          await loop.change(seen, signal);
        }
      } finally {
        leave();
      }
    },
  };
}
