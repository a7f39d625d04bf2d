/** Whether the service can take calls. */
export interface Readiness {
  /** False while the database is away, and from the start of the shutdown on. */
  isReady(): Promise<boolean>;
  /** Aborted when the shutdown starts. */
  readonly draining: AbortSignal;
}

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
