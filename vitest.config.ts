import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
    globalSetup: ["test/support/postgres.ts"],
    pool: "forks",
    // More than two cores: some tests spend their time waiting, for timeouts and other processes.
    maxWorkers: 4,
    // No module keeps state, so the files of a worker share what they import.
    isolate: false,
    // Node loads the tests as it loads the service, and strips their types itself.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A busy machine takes longer than the second that is the default.
    expect: { poll: { timeout: 30_000 } },
  },
});
