import { defineConfig } from "vitest/config";

/** What deploy/ holds, followed without a container engine: `npm run test:deploy`. */
export default defineConfig({
  test: {
    include: ["test/deploy/*.deploy.ts"],
    globalSetup: ["test/support/postgres.ts"],
    pool: "forks",
    // The service as it is deployed listens on the ports that its files name.
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
