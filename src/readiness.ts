import type { Readiness } from "@partner-service/health-reflection";

/** Makes the readiness of a service that needs what `ping` reaches; `ping` must be bounded in time. */
export function createReadiness(ping: () => Promise<void>, draining: AbortSignal): Readiness {
  let underWay: Promise<boolean> | undefined;
  return {
    draining,
    async isReady() {
      if (draining.aborted) {
        return false;
      }
      // However many ask at once, the database is asked once.
      underWay ??= ping()
        .then(
          () => true,
          () => false,
        )
        .finally(() => {
          underWay = undefined;
        });
      return (await underWay) && !draining.aborted;
    },
  };
}
