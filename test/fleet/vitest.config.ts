import { defineConfig } from "vitest/config";

/** Processes that replace each other under load, behind real balancers: `npm run test:fleet`. */
export default defineConfig({
  test: {
    include: ["test/fleet/*.fleet.ts"],
    globalSetup: ["test/support/postgres.ts"],
    pool: "forks",
    // Each takes all of the machine.
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    // A busy machine takes longer than the second that is the default.
    expect: { poll: { timeout: 60_000 } },
  },
});
