/** Whether a server can take calls. */
export interface Readiness {
  /** Bounded in time by whoever implements it; a rejection counts as false. */
  isReady(): Promise<boolean>;
  /** Aborted when the shutdown starts. */
  readonly draining: AbortSignal;
}

/** Makes the readiness of a server that needs what `ping` reaches; `ping` must be bounded in time. */
export function createReadiness(ping: () => Promise<void>, draining: AbortSignal): Readiness {
  let underWay: Promise<boolean> | undefined;
  return {
    draining,
    async isReady() {
      if (draining.aborted) {
        return false;
      }
      // However many ask at once, it is asked once.
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
