import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give out by themselves, and without any to which `fetch` makes no requests. */
const [first, last] = [11_000, 32_000];

/**
 * A port of loopback that was free a moment ago, and that nobody is likely to have taken since, as each connection
 * takes one of those that systems give out.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(first, last);
    const probe = createServer().listen(port, "127.0.0.1");
    try {
      await once(probe, "listening");
    } catch (failure) {
      if (failure instanceof Error && "code" in failure && failure.code === "EADDRINUSE") {
        continue;
      }
      throw failure;
    }
    probe.close();
    await once(probe, "close");
    return port;
  }
}
