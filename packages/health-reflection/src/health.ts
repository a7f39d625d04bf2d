import { setTimeout as delay } from "node:timers/promises";
import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import {
  type Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../gen/grpc/health/v1/health_pb.ts";

/** Whether a server can take calls. */
export interface Readiness {
  /** False while what it needs is away, and from the start of the shutdown on. */
  isReady(): Promise<boolean>;
  /** Aborted when the shutdown starts. */
  readonly draining: AbortSignal;
}

/** How often Watch looks whether the status has changed. */
const watchIntervalMs = 1000;

/**
 * Implements grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md): the
 * status of the services, all of which need the same things, and of the server, whose name is "".
 */
export function createHealthService(
  readiness: Readiness,
  services: readonly DescService[],
): ServiceImpl<typeof Health> {
  const names = ["", ...services.map(({ typeName }) => typeName)];

  async function servingStatus(name: string): Promise<ServingStatus> {
    if (!names.includes(name)) {
      return ServingStatus.SERVICE_UNKNOWN;
    }
    return (await readiness.isReady()) ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  return {
    async check({ service }) {
      const status = await servingStatus(service);
      if (status === ServingStatus.SERVICE_UNKNOWN) {
        throw new ConnectError("unknown service", Code.NotFound);
      }
      return { status };
    },

    async list() {
      const status = await servingStatus("");
      return { statuses: Object.fromEntries(names.map((name) => [name, { status }])) };
    },

    async *watch({ service }, { signal }) {
      const wake = AbortSignal.any([signal, readiness.draining]);
      let last: ServingStatus | undefined;
      while (!signal.aborted) {
        const status = await servingStatus(service);
        if (status !== last) {
          yield { status };
          last = status;
        }
        if (readiness.draining.aborted) {
          return;
        }
        await delay(watchIntervalMs, undefined, { signal: wake, ref: false }).catch(ignoreAbort);
      }
    },
  };
}

function ignoreAbort(failure: unknown): void {
  if (!(failure instanceof Error && failure.name === "AbortError")) {
    throw failure;
  }
}
