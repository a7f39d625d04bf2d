import { defineConfig } from "vitest/config";

/** The OpenAPI document against the service: `npm run test:schemathesis`. */
export default defineConfig({
  test: {
    include: ["test/schemathesis/*.schemathesis.ts"],
    testTimeout: 180_000,
    // The first run installs Schemathesis from PyPI.
    hookTimeout: 300_000,
  },
});
