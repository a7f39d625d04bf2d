import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient as createAnyClient, type Interceptor } from "@connectrpc/connect";
import { createQueryOptions } from "@connectrpc/connect-query-core";
import { QueryClient } from "@tanstack/query-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { serviceError } from "../../../src/interceptors/service-error.ts";
import {
  type BreakableDatabase,
  createBreakableDatabase,
} from "../../../test/support/breakable-database.ts";
import { acme, globex } from "../../../test/support/organizations.ts";
import { examplePartner, partnerRequest } from "../../../test/support/requests.ts";
import { startTestService, type TestService } from "../../../test/support/service.ts";
import { createTcpProxy, type TcpProxy } from "../../../test/support/tcp-proxy.ts";
import { Health } from "../../health-reflection/gen/grpc/health/v1/health_pb.ts";
import {
  Code,
  CreatePartnerRequestSchema,
  createPartnerClient,
  createPartnerTransport,
  ErrorReason,
  InvitationStatusSchema,
  isPassing,
  nameOf,
  PartnerService,
  type PartnerTransportOptions,
  PartnerTypeSchema,
  RemedyAction,
  reasonOf,
  remedyOf,
  UpdatePartnerRequestSchema,
  violationsOf,
} from "../src/index.ts";
import { isRepeatable } from "../src/repeatable-requests.ts";
import { waitBefore, withRetries } from "../src/retries.ts";
import { failureOf } from "./failure-of.ts";
import { fetched, grpc } from "./worlds.ts";

describe.each([grpc, fetched])("the client package in %s", (name, createTransport) => {
  let database: BreakableDatabase;
  let service: TestService;
  /** The network between the client and the service. */
  let network: TcpProxy;
  let token: string;
  /** The requests on the wire, the tries of one call each on its own. */
  let requests: { name: string; message: unknown; headers: Headers }[];
  /** Runs when a try fails. */
  let afterFailure: () => Promise<void>;

  beforeAll(async () => {
    database = await createBreakableDatabase();
    service = await startTestService(database);
    network = await createTcpProxy(service.url);
    token = await service.issuer.token();
  });
  beforeEach(() => {
    requests = [];
    afterFailure = async () => {};
  });
  afterAll(async () => {
    await network?.close();
    await service?.close();
  });

  const watch: Interceptor = (next) => async (request) => {
    const headers = new Headers(request.header);
    requests.push({ name: request.method.name, message: request.message, headers });
    try {
      return await next(request);
    } catch (error) {
      await afterFailure();
      throw error;
    }
  };

  function optionsWith(options: Partial<PartnerTransportOptions> = {}): PartnerTransportOptions {
    const transport = createTransport({ baseUrl: network.url, interceptors: [watch] });
    return { transport, token, organization: acme, ...options };
  }

  function createClient(options: Partial<PartnerTransportOptions> = {}) {
    return createPartnerClient(optionsWith(options));
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
    expect(requests[0]?.message).toEqual(requests[1]?.message);
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

  test("makes one partner of one attempt, however often it is saved", async () => {
    const before = await service.countPartners();
    const attempt = createClient({ maxTries: 1 }).attempt();
    const refused = await failureOf(attempt.createPartner({ ...examplePartner, email: "none" }));
    expect(reasonOf(refused)).toBe(ErrorReason.FIELD_INVALID);
    const values = { ...examplePartner, companyName: "Saved Supplies" };
    network.loseAnswerTo("Saved Supplies");
    expect(isPassing(await failureOf(attempt.createPartner(values)))).toBe(true);
    const first = await attempt.createPartner(values);
    expect(await attempt.createPartner(values)).toEqual(first);
    expect(await service.countPartners()).toBe(before + 1);
    const changed = await failureOf(attempt.createPartner({ ...values, city: "Boston" }));
    expect(reasonOf(changed)).toBe(ErrorReason.REQUEST_ID_REUSED);
  });

  test("asks once more for a token that has expired, and repeats any call", async () => {
    const expired = await service.issuer.token({ exp: 1 });
    const asked: (string | undefined)[] = [];
    const renewing = createClient({
      maxTries: 1,
      token: async (old) => {
        asked.push(old);
        return old === undefined ? expired : token;
      },
    });
    const gone = await failureOf(renewing.deletePartner({ id: crypto.randomUUID() }));
    expect(reasonOf(gone)).toBe(ErrorReason.PARTNER_NOT_FOUND);
    expect(asked).toEqual([undefined, expired]);
    expect(requests).toHaveLength(2);

    requests = [];
    const calls = [
      createClient({ token: expired }).listPartners({}),
      createClient({ token: () => expired }).listPartners({}),
    ];
    const reasons = (await Promise.all(calls.map(failureOf))).map(reasonOf);
    expect(reasons).toEqual(Array(2).fill(ErrorReason.ACCESS_TOKEN_EXPIRED));
    expect(requests).toHaveLength(3);
  });

  test("waits for a token no longer than the call may take, or until it is aborted", async () => {
    const client = createClient({ token: () => new Promise(() => {}) });
    expect(await failureOf(client.listPartners({}, { timeoutMs: 20 }))).toMatchObject({
      code: Code.DeadlineExceeded,
    });
    const call = client.listPartners({}, { signal: AbortSignal.abort() });
    expect(await failureOf(call)).toMatchObject({ code: Code.Canceled });
    expect(requests).toEqual([]);
  });

  test("puts further headers on a call, those of its caller's context, and streams have them all", async () => {
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const given = { traceparent };
    const options = optionsWith({ headers: () => ({ traceparent }) });
    const call = createPartnerClient(options).listPartners({});
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01";
    await call;
    const health = createAnyClient(Health, createPartnerTransport(options));
    for await (const { status } of health.watch({})) {
      expect(status).toBe(1);
      break;
    }
    expect(requests.map(({ headers }) => headers.get("traceparent"))).toEqual([
      given.traceparent,
      traceparent,
    ]);
    for (const { headers } of requests) {
      expect(headers.get("Authorization")).toBe(`Bearer ${token}`);
      expect(headers.get("Requester-Organization-ID")).toBe(acme);
      expect(headers.get("Target-Organization-ID")).toBe(acme);
    }
  });

  test("serves connect-query, with one bound for all repetition", async () => {
    const transport = createPartnerTransport(optionsWith({ maxTries: 2 }));
    const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    const created = await createClient().createPartner(examplePartner);
    const id = created.partner?.id ?? "";
    const options = createQueryOptions(PartnerService.method.getPartner, { id }, { transport });
    expect((await queries.fetchQuery(options)).partner?.id).toBe(id);
    queries.clear();
    requests = [];
    await network.stop();
    const error = await failureOf(queries.fetchQuery(options));
    await network.start();
    expect(isPassing(error)).toBe(true);
    expect(requests).toHaveLength(2);
  });

  test("tells which fields break which rules, in the names that a form has", async () => {
    const call = createClient().createPartner({ ...examplePartner, city: "", countryCode: "us" });
    const error = await failureOf(call);
    expect(violationsOf(error)).toEqual([
      { path: "city", rule: "required", message: "value is required" },
      {
        path: "countryCode",
        rule: "country_code.iso_3166",
        message: "must be a country of ISO 3166-1 as two capital letters such as DE - got us",
      },
    ]);
    expect(reasonOf(error)).toBe(ErrorReason.FIELD_INVALID);
    expect(remedyOf(error)).toMatchObject({
      action: RemedyAction.CORRECT,
      text: "the fields that the violations name",
    });
    expect(violationsOf(new Error("offline"))).toEqual([]);
    expect(remedyOf(new Error("offline"))).toBeUndefined();
    expect(reasonOf(new Error("offline"))).toBeUndefined();
  });

  // Protobuf's binary form has no room for such numbers, and throws.
  test.runIf(name === fetched[0])("tells of numbers as a form may have them", async () => {
    const problemOf = async (salesAmount: number) => {
      const call = createClient().createPartner({ ...examplePartner, salesAmount });
      return violationsOf(await failureOf(call));
    };
    expect(await problemOf(Number("many"))).toEqual([
      { path: "salesAmount", rule: "required", message: "value is required" },
    ]);
    expect(await problemOf(1.5)).toMatchObject([
      { path: "salesAmount", message: "must be a whole number from 0 to 2147483647 - got 1.5" },
    ]);
  });

  test("names the fields of an update with or without the message that they are in", async () => {
    const client = createClient();
    const { partner } = await client.createPartner(examplePartner);
    const changes = { id: partner?.id ?? "", companyName: "", paymentTerms: "" };
    const updateMask = { paths: ["company_name", "payment_terms"] };
    const error = await failureOf(client.updatePartner({ partner: changes, updateMask }));
    expect(violationsOf(error).map(({ path }) => path)).toEqual([
      "partner.companyName",
      "partner.paymentTerms",
    ]);
    expect(violationsOf(error, "partner").map(({ path }) => path)).toEqual([
      "companyName",
      "paymentTerms",
    ]);
  });
});

test("repeats what the contract says is safe, and a change with an etag is not", () => {
  const update = (partner: MessageInitShape<typeof UpdatePartnerRequestSchema>["partner"]) =>
    isRepeatable(
      PartnerService.method.updatePartner,
      create(UpdatePartnerRequestSchema, partner === undefined ? {} : { partner }),
    );
  expect([update(undefined), update({ city: "Boston" })]).toEqual([true, true]);
  expect(update({ city: "Boston", etag: "1" })).toBe(false);
  const { method } = PartnerService;
  const repeatable = (desc: (typeof method)[keyof typeof method]) =>
    isRepeatable(desc, create(desc.input));
  const safe = [
    ...[method.getPartner, method.createPartner, method.batchCreatePartners],
    ...[method.invitePartner, method.acceptInvitation],
  ];
  expect(safe.map(repeatable)).toEqual(safe.map(() => true));
  expect(repeatable(method.deletePartner)).toBe(false);
});

test("names the values of enums as TypeScript does", () => {
  expect(nameOf(PartnerTypeSchema, 1)).toBe("CUSTOMER");
  expect(nameOf(InvitationStatusSchema, 2)).toBe("ACCEPTED");
  expect(nameOf(PartnerTypeSchema, create(CreatePartnerRequestSchema).partnerType)).toBe(
    "UNSPECIFIED",
  );
});

test("repeats what an overloaded service has refused, whatever it is, and no other refusal", async () => {
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
  const limits = {
    ...{ maxTries: 10, deadline: Number.POSITIVE_INFINITY, signal: undefined },
    isRepeatable: false,
  };
  expect(await withRetries(call, limits).catch((error: unknown) => error)).toBe(refused);
  expect(tries).toBe(3);
});

test("does not wait for a service that asks for more than half a minute", async () => {
  const limits = {
    ...{ maxTries: 10, deadline: Number.POSITIVE_INFINITY, signal: undefined },
    isRepeatable: true,
  };
  const error = serviceError(ErrorReason.OVERLOADED, "Come back later.", { retryAfterMs: 30_001 });
  let tries = 0;
  const call = async () => {
    tries += 1;
    throw error;
  };
  expect(await withRetries(call, limits).catch((failure: unknown) => failure)).toBe(error);
  expect(tries).toBe(1);
});

test("waits twice as long each time, as long as the service asks for, and a random part more", () => {
  expect([1, 2, 3, 10].map((tries) => waitBefore(tries, undefined, 0))).toEqual([
    100, 200, 400, 5000,
  ]);
  expect(waitBefore(1, undefined, 1)).toBe(150);
  expect([waitBefore(1, 1000, 0), waitBefore(3, 1000, 1)]).toEqual([1000, 1500]);
});
