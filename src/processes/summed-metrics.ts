import type { Child } from "@partner-service/processes";
import { createMetricSum, serveScrapes } from "@partner-service/rpc-telemetry";
import type { Config } from "../config/config.ts";
import type { Started } from "./primary.ts";

type Process = Pick<Child<Started>, "number" | "ended" | "told" | "isServing">;

/** How long a process may take to tell its metrics; after that the last ones stand for them. */
const readMs = 4000;

/**
 * Serves the metrics of all processes, where METRICS_PORT is set.
 *
 * @throws StartError where it cannot be listened on
 */
export async function serveSummedMetrics({ metricsPort: port, metricsHost: host }: Config) {
  if (port === undefined) {
    return { url: undefined, follow() {}, read: async () => {}, close() {} };
  }
  const sum = createMetricSum();
  /** What each process has told last. */
  const texts = new Map<Process, string>();

  /** Reads what a process has counted, which may be about to end. */
  async function read(child: Process): Promise<void> {
    const url = child.told()?.metricsUrl;
    // One that does not answer is found out by others; what it has told last stays.
    const text = url === undefined ? undefined : await fetchText(url).catch(() => undefined);
    if (text !== undefined && texts.has(child)) {
      texts.set(child, text);
    }
  }

  const { url, close } = await serveScrapes({ port, host }, async (_, response) => {
    await Promise.all(texts.keys().map(read));
    const processes = [...texts].map(([child, text]) => ({
      number: child.isServing() ? child.number : undefined,
      text,
    }));
    response.setHeader("Content-Type", "text/plain").end(sum.sum(processes));
  });

  return {
    ...{ url, read, close },
    /** Counts a process in, until it has ended. */
    follow(child: Process): void {
      texts.set(child, "");
      child.ended.then(() => {
        sum.keep(texts.get(child) ?? "");
        texts.delete(child);
      });
    },
  };
}

async function fetchText(url: string): Promise<string> {
  // A connection that stayed open would keep the process that it leads to.
  const init = { headers: { Connection: "close" }, signal: AbortSignal.timeout(readMs) };
  return await (await fetch(url, init)).text();
}
