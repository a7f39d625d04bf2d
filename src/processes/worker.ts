import { readConfig } from "../config.ts";
import { startServiceProcess } from "../service-process.ts";
import { runCommand } from "../start-error.ts";
import { exchangeQuestions } from "./questions.ts";

/** One of the processes of PROCESSES: the service, which its primary starts and speaks for. */
async function main(): Promise<void> {
  let isReady = async () => false;
  const ask = exchangeQuestions(
    {
      onMessage: (listener) => process.on("message", listener),
      // To a primary that has gone nothing is to be said: this process ends with it.
      send: (message) => process.send?.(message, undefined, undefined, () => {}),
    },
    {
      ready: () => isReady(),
      async leave() {
        signals.end("replaced", service.leave);
      },
    },
  );
  const { metricsPort, ...config } = readConfig(process.env);
  const own = {
    ...config,
    // Its metrics are for the primary.
    ...{ metricsHost: "127.0.0.1", metricsPort: metricsPort === undefined ? undefined : 0 },
  };
  const { service, signals, welcome } = await startServiceProcess(own, {
    joinReadiness(alone) {
      isReady = alone.isReady;
      return { ...alone, isReady: async () => (await ask("ready")) === true };
    },
    async counted() {
      await ask("count");
    },
  });
  const { url, metricsUrl } = service;
  await ask("started", { url, metricsUrl, welcome });
}

await runCommand(main);
