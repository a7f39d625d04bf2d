import { defineConfig } from "vitest/config";

/** A pooler before PostgreSQL, and a standby beside it, with Debian's programs: `npm run test:poolers`. */
export default defineConfig({
  test: {
    include: ["test/poolers/*.poolers.ts"],
    globalSetup: ["test/support/postgres.ts"],
    pool: "forks",
    // Failing over is told from a slow machine by time: one at a time has it to itself.
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A busy machine takes longer than the second that is the default.
    expect: { poll: { timeout: 30_000 } },
  },
});
