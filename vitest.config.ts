import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
    globalSetup: ["test/support/postgres.ts"],
    pool: "forks",
    // More than two cores: some tests spend their time waiting, for timeouts and other processes.
    maxWorkers: 3,
    // A worker keeps what its files have imported: with room from the start, V8 goes over that less often, which took
    // a seventh of the suite's CPU.
    execArgv: ["--max-semi-space-size=32", "--initial-heap-size=512"],
    // No module keeps state, so the files of a worker share what they import.
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A busy machine takes longer than the second that is the default.
    expect: { poll: { timeout: 30_000 } },
  },
});
