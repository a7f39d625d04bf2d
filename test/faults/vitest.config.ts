import { defineConfig } from "vitest/config";

/** The service under load while something breaks: `npm run test:faults`. */
export default defineConfig({
  test: {
    include: ["test/faults/*.faults.ts"],
    globalSetup: ["test/faults/report.ts"],
    pool: "forks",
    // Faults are told from a slow machine by time: one at a time has it to itself.
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A busy machine takes longer than the second that is the default.
    expect: { poll: { timeout: 30_000 } },
  },
});
