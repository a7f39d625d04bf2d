import { defineConfig } from "vitest/config";

/** The Connect project's conformance suite, run against the app: `npm run test:conformance`. */
export default defineConfig({
  test: {
    include: ["test/conformance/*.conformance.ts"],
    testTimeout: 120_000,
    // A cold build of the suite downloads and compiles its packages.
    hookTimeout: 600_000,
  },
});
