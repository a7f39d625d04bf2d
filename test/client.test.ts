import { create } from "@bufbuild/protobuf";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createConnectTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  CreatePartnerRequestSchema,
  createPartnerClient,
  ErrorReason,
  type PartnerClientOptions,
  reasonOf,
  violationsOf,
} from "../packages/client/src/index.ts";
import { waitBefore, withRetries } from "../packages/client/src/retries.ts";
import { serviceError } from "../src/interceptors/service-error.ts";
import { type BreakableDatabase, createBreakableDatabase } from "./support/breakable-database.ts";
import { acme, globex } from "./support/organizations.ts";
import { examplePartner, partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

type CreateTransport = (options: { baseUrl: string; interceptors: Interceptor[] }) => Transport;

const worlds: [string, CreateTransport][] = [
  ["Node, over gRPC", createGrpcTransport],
  ["browsers, over Connect with fetch", createConnectTransport],
];

describe.each(worlds)("the client package in %s", (_name, createTransport) => {
  let database: BreakableDatabase;
  let service: TestService;
  let token: string;
  /** The requests on the wire, the tries of one call each on its own. */
  let requests: { name: string; message: unknown }[];
  /** Runs when a try fails. */
  let afterFailure: () => Promise<void>;

  beforeAll(async () => {
    database = await createBreakableDatabase();
    service = await startTestService(database);
    token = await service.issuer.token();
  });
  beforeEach(() => {
    requests = [];
    afterFailure = async () => {};
  });
  afterAll(async () => {
    await service?.close();
  });

  const watch: Interceptor = (next) => async (request) => {
    requests.push({ name: request.method.name, message: request.message });
    try {
      return await next(request);
    } catch (error) {
      await afterFailure();
      throw error;
    }
  };

  function createClient(options: Partial<PartnerClientOptions> = {}) {
    const transport = createTransport({ baseUrl: service.url, interceptors: [watch] });
    return createPartnerClient({ transport, token, organization: acme, ...options });
  }

  async function failureOf(call: Promise<unknown>): Promise<unknown> {
    return await call.then(
      () => Promise.reject(new Error("The call was expected to fail.")),
      (error: unknown) => error,
    );
  }

  test("puts the token and the organizations on each call", async () => {
    const { partner } = await createClient().createPartner(examplePartner);
    expect(partner?.organizationId).toBe(acme);
    const asked = createClient({ token: async () => token });
    expect((await asked.getPartner({ id: partner?.id ?? "" })).partner).toEqual(partner);
    const error = await failureOf(createClient({ target: globex }).createPartner(examplePartner));
    expect(reasonOf(error)).toBe(ErrorReason.SCENARIO_NOT_ALLOWED);
  });

  test("gives each create a request_id, and leaves the caller's own and its message alone", async () => {
    const message = partnerRequest();
    const own = crypto.randomUUID();
    await createClient().createPartner(message);
    await createClient().createPartner(message);
    await createClient().createPartner({ ...examplePartner, requestId: own });
    const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/);
    const sent = requests.map((request) => request.message);
    expect(sent).toEqual([
      { ...create(CreatePartnerRequestSchema, examplePartner), requestId: uuid },
      { ...create(CreatePartnerRequestSchema, examplePartner), requestId: uuid },
      { ...create(CreatePartnerRequestSchema, examplePartner), requestId: own },
    ]);
    expect(new Set(sent.map((request) => JSON.stringify(request))).size).toBe(3);
    expect(message).toEqual(partnerRequest());
  });

  test("repeats a create while the database is away, with the same request_id", async () => {
    const before = await service.countPartners();
    await database.proxy.stop();
    afterFailure = async () => await database.proxy.start();
    const { partner } = await createClient().createPartner(examplePartner);
    expect(partner).toMatchObject(examplePartner);
    expect(requests).toHaveLength(2);
    expect(requests[0]).toEqual(requests[1]);
    expect(await service.countPartners()).toBe(before + 1);
  });

  test("does not repeat what is not safe to repeat, nor past the deadline or the number of tries", async () => {
    const { partner } = await createClient().createPartner(examplePartner);
    const { id, etag } = partner ?? { id: "", etag: "" };
    requests = [];
    await database.proxy.stop();
    const calls = [
      createClient().deletePartner({ id }),
      createClient().updatePartner({ partner: { id, city: "Boston", etag } }),
      createClient({ maxTries: 1 }).getPartner({ id }),
      createClient().listPartners({}, { timeoutMs: 1000 }),
    ];
    const reasons = (await Promise.all(calls.map(failureOf))).map(reasonOf);
    await database.proxy.start();
    expect(reasons.slice(0, 3)).toEqual(Array(3).fill(ErrorReason.DATABASE_UNAVAILABLE));
    expect(requests).toHaveLength(4);
  });

  test("stops waiting for the next try when the caller aborts", async () => {
    const controller = new AbortController();
    await database.proxy.stop();
    afterFailure = async () => {
      setImmediate(() => controller.abort());
    };
    const call = createClient().listPartners({}, { signal: controller.signal });
    expect(String(await failureOf(call))).toMatch(/^ConnectError: \[canceled\]/);
    await database.proxy.start();
    expect(requests).toHaveLength(1);
  });

  test("turns violations into a map from field to message", async () => {
    const call = createClient().createPartner({ ...examplePartner, city: "", countryCode: "us" });
    const error = await failureOf(call);
    expect([...violationsOf(error)]).toEqual([
      ["city", "value is required"],
      ["country_code", "does not match regex pattern `^[A-Z]{2}$`"],
    ]);
    expect(reasonOf(error)).toBe(ErrorReason.FIELD_INVALID);
    expect([...violationsOf(new Error("offline"))]).toEqual([]);
    expect(reasonOf(new Error("offline"))).toBeUndefined();
  });
});

test("repeats what an overloaded service has refused, and no other refusal", async () => {
  const overloaded = serviceError(ErrorReason.OVERLOADED, "Too many calls are waiting.", {
    retryAfterMs: 1,
  });
  const refused = serviceError(ErrorReason.SCENARIO_NOT_ALLOWED, "It may not.");
  const outcomes = [overloaded, overloaded, refused, overloaded];
  let tries = 0;
  const call = async () => {
    const outcome = outcomes[tries];
    tries += 1;
    throw outcome;
  };
  const limits = { maxTries: 10, deadline: Number.POSITIVE_INFINITY, signal: undefined };
  expect(await withRetries(call, limits).catch((error: unknown) => error)).toBe(refused);
  expect(tries).toBe(3);
});

test("waits twice as long each time, as long as the service asks for, and a random part more", () => {
  expect([1, 2, 3, 10].map((tries) => waitBefore(tries, undefined, 0))).toEqual([
    100, 200, 400, 5000,
  ]);
  expect(waitBefore(1, undefined, 1)).toBe(150);
  expect([waitBefore(1, 1000, 0), waitBefore(3, 1000, 1)]).toEqual([1000, 1500]);
});
