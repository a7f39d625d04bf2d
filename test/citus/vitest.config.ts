import { defineConfig } from "vitest/config";

/** The service on the Citus cluster whose coordinator's database CITUS_URL names: `npm run test:citus`. */
export default defineConfig({
  test: {
    include: ["test/citus/*.citus.ts"],
    globalSetup: ["test/support/postgres.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
