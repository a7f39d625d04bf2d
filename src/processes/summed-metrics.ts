import { get } from "node:http";
import { text } from "node:stream/consumers";
import type { Config } from "../config.ts";
import { createMetricSum } from "../observability/metric-sum.ts";
import { serveScrapes } from "../observability/scrapes.ts";
import type { Child } from "./child.ts";

export interface SummedMetrics {
  /** Where Prometheus finds them; undefined where it does not. */
  readonly url: string | undefined;
  /** Counts a process in, until it has ended. */
  follow(child: Child): void;
  /** Reads what a process has counted, which is about to end. */
  read(child: Child): Promise<void>;
  close(): void;
}

/** How long a process may take to tell its metrics; after that the last ones stand for them. */
const readMs = 4000;

/**
 * Serves the metrics of all processes, where METRICS_PORT is set.
 *
 * @throws StartError where it cannot be listened on
 */
export async function serveSummedMetrics(
  config: Pick<Config, "metricsHost" | "metricsPort">,
): Promise<SummedMetrics> {
  if (config.metricsPort === undefined) {
    return { url: undefined, follow() {}, read: async () => {}, close() {} };
  }
  const sum = createMetricSum();
  /** What each process has told last. */
  const texts = new Map<Child, string>();

  async function read(child: Child): Promise<void> {
    const url = child.metricsUrl();
    // One that does not answer is found out by others; what it has told last stays.
    const read = url === undefined ? undefined : await fetchText(url).catch(() => undefined);
    if (read !== undefined && texts.has(child)) {
      texts.set(child, read);
    }
  }

  const { url, close } = await serveScrapes(config, config.metricsPort, async (_, response) => {
    await Promise.all(texts.keys().map(read));
    const processes = [...texts].map(([child, told]) => ({
      number: child.serving() === undefined ? undefined : child.number,
      text: told,
    }));
    response.setHeader("Content-Type", "text/plain").end(sum.sum(processes));
  });

  return {
    ...{ url, read, close },
    follow(child) {
      texts.set(child, "");
      child.ended.then(() => {
        sum.keep(texts.get(child) ?? "");
        texts.delete(child);
      });
    },
  };
}

async function fetchText(url: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  get(url, { agent: false, signal: AbortSignal.timeout(readMs) }, (response) => {
    text(response).then(resolve, reject);
  }).on("error", reject);
  return promise;
}
