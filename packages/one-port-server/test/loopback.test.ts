import { expect, test } from "vitest";
import { isLoopback } from "../src/index.ts";

test.each(["localhost", "127.0.0.1", "127.255.0.9", "::1", "[::1]"])(
  "%s is this machine",
  (host) => {
    expect(isLoopback(host)).toBe(true);
  },
);

test.each(["", "0.0.0.0", "128.0.0.1", "::", "::2", "localhost.example.com"])(
  "%j is not surely this machine",
  (host) => {
    expect(isLoopback(host)).toBe(false);
  },
);
