import { randomInt, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CreatePartnerRequest } from "../../gen/partner/v1/partner_service_pb.ts";
import { lockPartners } from "../support/locks.ts";
import { failureOf } from "../support/outcome.ts";
import { expectNothingLost } from "./conclusion.ts";
import { type FaultyPostgres, startFaultyPostgres } from "./faulty-postgres.ts";
import { type FaultyService, type PartnerClient, startFaultyService } from "./faulty-service.ts";
import {
  type Acknowledged,
  createOnce,
  createUntilAnswered,
  type Load,
  pick,
  type Refusal,
  startLoad,
  uniqueRequest,
} from "./load.ts";

type Observed = Pick<Load, "acknowledged" | "refusals">;

const { FAULTS_KILLS: givenKills } = process.env;
/** How often the service is killed, at most. */
const kills = Number(givenKills ?? 100);
/** Each kill takes a start, which is most of its time: some are under way while one process runs. */
const processes = 4;
/** Keeps the suite short on a busy machine, unless a number is asked for. */
const killsEndAfterMs = givenKills === undefined ? 150_000 : Number.POSITIVE_INFINITY;
const killsTimeoutMs = 120_000 + kills * 20_000;
const terminations = 3;

/** More than there are connections to the database; a few for each protocol. */
const uniqueRequests = () => Array.from({ length: 42 }, uniqueRequest);

let postgres: FaultyPostgres;
let service: FaultyService;
let organization: string;
let headers: Headers;

beforeAll(async () => {
  postgres = await startFaultyPostgres();
});
beforeEach(async () => {
  service = await startFaultyService(postgres.url);
  organization = randomUUID();
  headers = await service.headers(organization);
});
afterEach(async () => {
  await service?.close();
});
afterAll(async () => {
  await postgres?.close();
});

/** Brings each create to its end, with the clients in turn. */
async function createAll(
  clients: readonly PartnerClient[],
  requests: readonly CreatePartnerRequest[],
): Promise<Observed> {
  const refusals: Refusal[] = [];
  const acknowledged = await Promise.all(
    requests.map((request, caller) =>
      createUntilAnswered(() => pick(clients, caller), request, headers, refusals),
    ),
  );
  return { acknowledged, refusals };
}

describe("Nothing is lost, doubled or altered when", () => {
  test("the service is killed under load, up to a hundred times", {
    timeout: killsTimeoutMs,
  }, async () => {
    // One that ends by itself leaves what it has compiled to all starts.
    await service.terminate();
    await service.start();
    const others = await Promise.all(
      Array.from({ length: processes - 1 }, () => startFaultyService(postgres.url, service.issuer)),
    );
    let running = service;
    const load = startLoad(() => running.clients(), headers);
    /** The processes that do not run, and when each of them does. */
    const starts = new Map(others.map((each) => [each, Promise.resolve(each)]));
    const started = performance.now();
    let killed = 0;
    try {
      for (; killed < kills && performance.now() - started < killsEndAfterMs; killed += 1) {
        await load.answers(20);
        await delay(randomInt(50));
        const ended = running;
        await ended.kill();
        starts.set(
          ended,
          ended.start().then(() => ended),
        );
        running = await Promise.race(starts.values());
        starts.delete(running);
      }
      await load.finish();
    } finally {
      await Promise.all(starts.values());
      await Promise.all(others.map((each) => each.close()));
    }
    const fault = `the service is killed with SIGKILL, ${killed} times`;
    await expectNothingLost({ fault, postgres, organization, load });
  });

  test("SIGTERM comes while calls are in flight, each of which is answered", async () => {
    const acknowledged: Acknowledged[] = [];
    for (let round = 0; round < terminations; round += 1) {
      // Now there are connections, as there are in a service that has run for a while.
      acknowledged.push(...(await createAll(service.clients(), uniqueRequests())).acknowledged);
      // The lock keeps all calls in flight until the shutdown is under way.
      const lock = await lockPartners({ databaseUrl: postgres.url });
      const calls = Promise.all(
        uniqueRequests().map((request, caller) =>
          createOnce(
            pick(service.clients(), caller),
            request,
            headers,
            AbortSignal.timeout(20_000),
          ),
        ),
      );
      await lock.awaited();
      const terminated = service.terminate();
      await lock.release();
      const [answered, exitCode] = await Promise.all([calls, terminated]);
      acknowledged.push(...answered);
      expect(exitCode).toBe(0);
      await service.start();
    }
    const fault = `SIGTERM comes while calls are in flight, ${terminations} times`;
    const load = { acknowledged, refusals: [] };
    await expectNothingLost({ fault, postgres, organization, load });
  });

  test("clients vanish before their answer, and ask again", async () => {
    const requests = uniqueRequests();
    const clients = service.clients();
    const calls = requests.map((request, caller) =>
      createOnce(pick(clients, caller), request, headers, AbortSignal.timeout(randomInt(100))),
    );
    const outcomes = await Promise.allSettled(calls);
    const load = await createAll(clients, requests);
    const vanished = outcomes.filter(({ status }) => status === "rejected").length;
    const fault = `${vanished} clients vanish before their answer, and ask again`;
    await expectNothingLost({ fault, postgres, organization, load });
  });

  test("deadlines pass while inserts wait for a lock", async () => {
    const requests = uniqueRequests();
    const clients = service.clients();
    const lock = await lockPartners({ databaseUrl: postgres.url });
    const calls = requests.map((request, caller) =>
      failureOf(pick(clients, caller).createPartner(request, { headers, timeoutMs: 500 })),
    );
    const failures = await Promise.all(calls);
    await lock.release();
    expect(failures).toEqual(requests.map(() => ({ code: "DeadlineExceeded" })));
    const load = await createAll(clients, requests);
    const fault = "deadlines pass while inserts wait for a lock";
    await expectNothingLost({ fault, postgres, organization, load });
  });

  test("two processes are asked for the same request ids at once", async () => {
    const other = await startFaultyService(postgres.url, service.issuer);
    try {
      const requests = uniqueRequests();
      const [load, ...racing] = await Promise.all([
        createAll(service.clients(), requests),
        createAll(other.clients(), requests),
        createAll(service.clients().toReversed(), requests),
        createAll(other.clients().toReversed(), requests),
      ]);
      for (const { acknowledged } of racing) {
        expect(acknowledged).toEqual(load.acknowledged);
      }
      const fault = "two processes are asked for the same request ids at once";
      await expectNothingLost({ fault, postgres, organization, load });
    } finally {
      await other.close();
    }
  });

  test("a process in a small container takes creates and long pages at once", {
    timeout: 120_000,
  }, async () => {
    // What docs/operations.md names for such containers.
    const settings = { NODE_OPTIONS: "--max-old-space-size=128" };
    const small = await startFaultyService(postgres.url, service.issuer, undefined, settings);
    try {
      const load = startLoad(small.clients, headers);
      await load.answers(1_000);
      // The longest pages, of which the service may refuse some, as more than it takes at once.
      const pages = Array.from({ length: 48 }, (_, reader) =>
        pick(small.clients(), reader).listPartnerChanges({ pageSize: 1_000 }, { headers }),
      );
      const answered = (await Promise.allSettled(pages)).filter(
        ({ status }) => status === "fulfilled",
      );
      expect(answered.length).toBeGreaterThan(0);
      await load.answers(1_000);
      await load.finish();
      // It would have been killed by V8 otherwise.
      expect(await small.readiness()).toBe(200);
      const fault = "creates and long pages meet in a heap of 128 MB";
      await expectNothingLost({ fault, postgres, organization, load });
    } finally {
      await small.close();
    }
  });
});
