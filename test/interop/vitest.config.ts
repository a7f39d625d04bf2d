import { defineConfig } from "vitest/config";

/** The clients in examples/, built and run against the service: `npm run test:interop`. */
export default defineConfig({
  test: {
    include: ["test/interop/*.interop.ts"],
    // A cold build downloads its packages. Builds take the machine one after another.
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
