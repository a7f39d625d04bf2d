import { randomUUID } from "node:crypto";
import http from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createPartnerClient } from "../../packages/client/src/index.ts";
import { type World, worlds } from "../../packages/client/test/worlds.ts";
import { freePort } from "../support/free-port.ts";
import { expectNothingLost } from "./conclusion.ts";
import { type FaultyPostgres, startFaultyPostgres } from "./faulty-postgres.ts";
import { type FaultyService, startFaultyService } from "./faulty-service.ts";
import { type Acknowledged, type Refusal, uniqueRequest } from "./load.ts";

/** How often a process is ended and started again; less often where fewer kills are asked for. */
const rounds = Math.max(
  2,
  Math.round(6 * Math.min(1, Number(process.env.FAULTS_KILLS ?? 100) / 100)),
);
/** How many callers each world has. */
const callers = 5;
const answersBetween = 500;
/** Not all systems let two processes share a port. */
const mostProcesses = ["linux", "freebsd"].includes(process.platform) ? 2 : 1;

const connectionEach: World = [
  "Node, over Connect on HTTP/1.1, with a connection for each call",
  (options) =>
    createConnectTransport({
      ...options,
      httpVersion: "1.1",
      nodeOptions: { agent: new http.Agent({ keepAlive: false }) },
    }),
];

let postgres: FaultyPostgres;
let organization: string;
/** Whatever is to be ended after a test. */
let closing: (() => Promise<void>)[];

beforeAll(async () => {
  postgres = await startFaultyPostgres();
  // One that ends by itself leaves what it has compiled to all starts.
  const first = await startFaultyService(postgres.url);
  await first.terminate();
  await first.close();
});
beforeEach(() => {
  organization = randomUUID();
  closing = [];
});
afterEach(async () => {
  for (const close of closing.toReversed()) {
    await close();
  }
});
afterAll(async () => {
  await postgres?.close();
});

/** Starts so many processes of the service on one port. */
async function startServices(count: number): Promise<readonly FaultyService[]> {
  const settings = { PORT: String(await freePort()), REUSE_PORT: count > 1 ? "on" : "off" };
  const services: FaultyService[] = [];
  while (services.length < count) {
    const issuer = services[0]?.issuer;
    const service = await startFaultyService(postgres.url, issuer, "src/main.ts", settings);
    services.push(service);
    closing.push(service.close);
  }
  return services;
}

/** Callers in each world, with the package as it comes: each makes one create after the other, once. */
async function startCallers({ url, issuer }: FaultyService) {
  const token = await issuer.token({ org_id: organization });
  const acknowledged: Acknowledged[] = [];
  /** The tries that failed, which the package is to repeat. */
  const refusals: Refusal[] = [];
  /** The calls that failed. */
  const failures: string[] = [];
  const finishing = new AbortController();

  const running = [...worlds, connectionEach].flatMap(([world, createTransport]) => {
    const watch: Interceptor = (next) => async (request) => {
      const started = performance.now();
      try {
        return await next(request);
      } catch (error) {
        refusals.push({ outcome: String(error), afterMs: performance.now() - started });
        throw error;
      }
    };
    const transport = createTransport({ baseUrl: url(), interceptors: [watch] });
    const partners = createPartnerClient({ transport, token, organization });
    return Array.from({ length: callers }, async () => {
      while (!finishing.signal.aborted) {
        const request = uniqueRequest();
        try {
          const { partner } = await partners.createPartner(request);
          if (partner === undefined) {
            throw new Error("The answer has no partner.");
          }
          acknowledged.push({ request, partner });
        } catch (error) {
          failures.push(`${world}: ${error}`);
        }
      }
    });
  });

  async function finish(): Promise<void> {
    finishing.abort();
    await Promise.all(running);
  }

  closing.push(finish);
  return {
    ...{ acknowledged, refusals, failures, finish },
    /** Resolves with the next answers, so many of them. */
    async answers(count: number): Promise<void> {
      const goal = acknowledged.length + count;
      while (acknowledged.length < goal) {
        await delay(5);
      }
    },
  };
}

describe("Who calls with the client package notices nothing when", () => {
  const ends = [
    { signal: "SIGTERM", end: (service: FaultyService) => service.terminate() },
    { signal: "SIGKILL", end: (service: FaultyService) => service.kill() },
  ];
  const ended = [
    { which: "one of two processes on a port", count: 2 },
    { which: "the only process", count: 1 },
  ];
  const cases = ended.flatMap((each) => ends.map((way) => ({ ...each, ...way })));

  test.for(cases.filter(({ count }) => count <= mostProcesses))(
    "$which is ended with $signal and started again, several times",
    async ({ which, count, signal, end }) => {
      const services = await startServices(count);
      const [first] = services;
      if (first === undefined) {
        throw new Error("There is no service.");
      }
      const load = await startCallers(first);
      for (let round = 0; round < rounds; round += 1) {
        const service = services[round % count] ?? first;
        await load.answers(answersBetween);
        await end(service);
        await service.start();
      }
      await load.answers(answersBetween);
      await load.finish();
      expect(load.failures).toEqual([]);
      const fault = `${which} is ended with ${signal}, ${rounds} times, under the client package`;
      await expectNothingLost({ fault, postgres, organization, load });
    },
  );
});
