import { defineConfig } from "vitest/config";

/** The console, the API reference and examples/web in a real Chromium: `npm run test:browser`. */
export default defineConfig({
  test: {
    include: ["test/browser/*.browser.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
