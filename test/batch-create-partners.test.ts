import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BatchCreatePartnersRequestSchema,
  type CreatePartnerRequest,
  PartnerService,
} from "../gen/partner/v1/partner_service_pb.ts";
import { type BookClient, bookClient, createPartner, newBook } from "./support/book.ts";
import { acceptedRequests, textLimits } from "./support/call-cases.ts";
import { databaseKinds } from "./support/databases.ts";
import { naughtyTexts } from "./support/naughty-texts.ts";
import { acme } from "./support/organizations.ts";
import { type Failure, failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { goodHeaders } from "./support/raw-calls.ts";
import { type PartnerChanges, partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { type Wire, wires } from "./support/wires.ts";

/** Good requests that differ in their name. */
const named = (count: number): CreatePartnerRequest[] =>
  Array.from({ length: count }, (_, index) => partnerRequest({ companyName: `No. ${index}` }));

const invalid = (...violations: string[]): Failure => ({
  code: "InvalidArgument",
  reason: "FIELD_INVALID",
  violations,
});
const reused = (requestId: string, cause = "OTHER_CONTENT"): Failure => ({
  code: "AlreadyExists",
  reason: "REQUEST_ID_REUSED",
  metadata: { request_id: requestId, cause },
});

async function sizeOf(client: BookClient): Promise<number | undefined> {
  return (await client.listPartners({ includeTotalSize: true, pageSize: 1 })).totalSize;
}

describe.each(databaseKinds)("BatchCreatePartners on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  describe.each(Object.entries(protocols))("over %s", (_name, transport) => {
    test.each([1, 100])("creates %i, in the order of the requests", async (count) => {
      const { client, organization } = await newBook(service, transport);
      const { partners } = await client.batchCreatePartners({ requests: named(count) });
      expect(partners.map(({ companyName }) => companyName)).toEqual(
        named(count).map(({ companyName }) => companyName),
      );
      expect(new Set(partners.map(({ organizationId }) => organizationId))).toEqual(
        new Set([organization]),
      );
      expect((await client.listPartners({ pageSize: 100 })).partners).toEqual(partners);
    });

    test("answers a repeated call with the first partners", async () => {
      const { client } = await newBook(service, transport);
      const requestId = randomUUID();
      const { partners } = await client.batchCreatePartners({ requests: named(3), requestId });
      const again = await client.batchCreatePartners({
        requests: named(3),
        requestId: requestId.toUpperCase(),
      });
      expect(again.partners).toEqual(partners);
      expect(await sizeOf(client)).toBe(3);
    });
  });

  test("stores each entry as it was sent", async () => {
    const { client } = await newBook(service);
    const changes: PartnerChanges[] = [
      ...Object.values(acceptedRequests),
      ...Object.values(naughtyTexts).map((address) => ({ address: `(${address})` })),
    ];
    const requests = changes.map((change) => partnerRequest(change));
    const { partners } = await client.batchCreatePartners({ requests });
    expect(partners).toEqual(
      requests.map(({ $typeName: _type, validateOnly: _only, ...fields }) =>
        expect.objectContaining(fields),
      ),
    );
    expect((await client.listPartners({ pageSize: 100 })).partners).toEqual(partners);
  });

  test("takes entries that repeat the request_id of the batch", async () => {
    const { client } = await newBook(service);
    const requestId = randomUUID();
    const { partners } = await client.batchCreatePartners({ requests: named(2), requestId });
    const requests = named(2).map((request) => ({ ...request, requestId }));
    expect((await client.batchCreatePartners({ requests, requestId })).partners).toEqual(partners);
  });

  test("answers a repeated call with the partners as they are now", async () => {
    const { client } = await newBook(service);
    const batch = { requests: named(2), requestId: randomUUID() };
    const [first, second] = (await client.batchCreatePartners(batch)).partners;
    const { partner } = await client.updatePartner({
      partner: { id: first?.id ?? "", city: "Boston" },
    });
    expect((await client.batchCreatePartners(batch)).partners).toEqual([partner, second]);
  });

  test.each([
    ["other content", [...named(2), partnerRequest()]],
    ["another order", named(3).reverse()],
    ["fewer entries", named(2)],
    ["more entries", named(4)],
  ])("refuses a request_id that comes again with %s", async (_what, requests) => {
    const { client } = await newBook(service);
    const requestId = randomUUID();
    await client.batchCreatePartners({ requests: named(3), requestId });
    const call = client.batchCreatePartners({ requests, requestId });
    expect(await failureOf(call)).toEqual(reused(requestId));
    expect(await sizeOf(client)).toBe(3);
  });

  test("shares its request_ids with CreatePartner, also for the same content", async () => {
    const { client } = await newBook(service);
    const [first, second] = [randomUUID(), randomUUID()];
    const [request = partnerRequest()] = named(1);
    await client.batchCreatePartners({ requests: [request], requestId: first });
    const single = client.createPartner({ ...request, requestId: first });
    expect(await failureOf(single)).toEqual(reused(first));

    await client.createPartner({ ...request, requestId: second });
    for (const requests of [[request], [request, request]]) {
      const batch = client.batchCreatePartners({ requests, requestId: second });
      expect(await failureOf(batch)).toEqual(reused(second));
    }
    expect(await sizeOf(client)).toBe(2);
  });

  test("refuses the request_id of a batch of which a partner was deleted", async () => {
    const { client } = await newBook(service);
    const batch = { requests: named(3), requestId: randomUUID() };
    const { partners } = await client.batchCreatePartners(batch);
    await client.deletePartner({ id: partners[1]?.id ?? "" });
    expect(await failureOf(client.batchCreatePartners(batch))).toEqual(
      reused(batch.requestId, "PARTNER_DELETED"),
    );
    expect(await sizeOf(client)).toBe(2);
  });

  test("creates all or none where another row holds what one entry needs", async () => {
    const [ours, theirs] = [await newBook(service), await newBook(service)];
    const batch = { requests: named(3), requestId: randomUUID() };
    await theirs.client.batchCreatePartners(batch);
    // Their second row has the id that our second row would get.
    const { id } = await createPartner(ours.client);
    await service.execute(`
      update partner set request_fingerprint = 'another', request_id = (
        select request_id from partner where organization_id = '${theirs.organization}'
        order by id offset 1 limit 1)
      where id = '${id}'`);
    const call = ours.client.batchCreatePartners(batch);
    expect(await failureOf(call)).toEqual(reused(batch.requestId));
    expect(await sizeOf(ours.client)).toBe(1);
  });

  test("lets each organization use a request_id of another one", async () => {
    const [ours, theirs] = [await newBook(service), await newBook(service)];
    const batch = { requests: named(2), requestId: randomUUID() };
    const first = await ours.client.batchCreatePartners(batch);
    const second = await theirs.client.batchCreatePartners(batch);
    expect(second.partners.map(({ organizationId }) => organizationId)).toEqual([
      theirs.organization,
      theirs.organization,
    ]);
    expect((await ours.client.listPartners({})).partners).toEqual(first.partners);
  });

  test("has one answer for racing calls with one content", async () => {
    const { client } = await newBook(service);
    const batch = { requests: named(20), requestId: randomUUID() };
    const calls = Array.from({ length: 10 }, () => client.batchCreatePartners(batch));
    const answers = await Promise.all(calls);
    expect(answers).toEqual(answers.map(() => answers[0]));
    expect((await client.listPartners({ pageSize: 100 })).partners).toEqual(answers[0]?.partners);
  });

  test("lets one of racing contents have a request_id, whole", async () => {
    const { client } = await newBook(service);
    const requestId = randomUUID();
    const single = async () => {
      const { partner } = await client.createPartner({ ...partnerRequest(), requestId });
      return partner === undefined ? [] : [partner];
    };
    const batch = async (requests: CreatePartnerRequest[]) =>
      (await client.batchCreatePartners({ requests, requestId })).partners;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, () => [batch(named(5)), batch(named(6)), single()]).flat(),
    );
    const { partners } = await client.listPartners({});
    const won = outcomes.filter(({ status }) => status === "fulfilled");
    expect(won).toEqual(
      Array.from({ length: 4 }, () => ({ status: "fulfilled", value: partners })),
    );
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        expect(await failureOf(Promise.reject(outcome.reason))).toEqual(reused(requestId));
      }
    }
  });

  test("is not for another organization's book", async () => {
    const client = await bookClient(service, randomUUID(), randomUUID());
    expect(await failureOf(client.batchCreatePartners({ requests: [] }))).toEqual({
      code: "PermissionDenied",
      reason: "SCENARIO_NOT_ALLOWED",
    });
  });
});

// What is refused never reaches the database: one engine is enough.
describe("A batch", () => {
  const limit = 2 * 1024 * 1024;
  const rpc = PartnerService.method.batchCreatePartners;
  const tooLarge = {
    failure: {
      code: "ResourceExhausted",
      reason: "MESSAGE_TOO_LARGE",
      metadata: { max_bytes: String(limit) },
    },
  };
  let service: TestService;
  let headers: ReturnType<typeof goodHeaders>;

  beforeAll(async () => {
    service = await startTestService("postgresql");
    headers = goodHeaders(await service.issuer.token({ org_id: acme }));
  });
  afterAll(async () => {
    await service?.close();
  });

  describe.each(Object.entries(protocols))("over %s", (_name, transport) => {
    test.each<[string, CreatePartnerRequest[], Failure]>([
      ["no entry", [], invalid("requests: required")],
      ["101 entries", named(101), invalid("requests: repeated.max_items")],
      [
        "entries that break rules",
        [
          ...named(2),
          partnerRequest({ city: "", email: "x" }),
          partnerRequest({ salesAmount: -1 }),
        ],
        invalid(
          "requests[2].email: string.email",
          "requests[2].city: required",
          "requests[3].sales_amount: int32.gte",
        ),
      ],
    ])("refuses %s, and creates nothing", async (_what, requests, failure) => {
      const { client } = await newBook(service, transport);
      expect(await failureOf(client.batchCreatePartners({ requests }))).toEqual(failure);
      expect(await sizeOf(client)).toBe(0);
    });

    test("names all violations of the first entries, 25 at most, and tells how many there are", async () => {
      const { client } = await newBook(service, transport);
      const request = Object.fromEntries(
        Object.entries(textLimits).map(([key, [, limit]]) => [key, "\0".repeat(limit + 1)]),
      );
      const requests = Array.from({ length: 100 }, () => partnerRequest(request));
      const violationsOf = (entry: number) =>
        Object.values(textLimits).flatMap(([field]) =>
          ["max_len", "not_contains"].map((rule) => `requests[${entry}].${field}: string.${rule}`),
        );
      const failure = await failureOf(client.batchCreatePartners({ requests }));
      // Each text breaks two rules.
      expect(failure).toEqual({
        ...invalid(...violationsOf(0)),
        metadata: { violations: "1600", entries: "0-99" },
      });
      const some = requests.map((request, index) => (index % 3 === 0 ? request : partnerRequest()));
      expect(await failureOf(client.batchCreatePartners({ requests: some.slice(1, 6) }))).toEqual(
        invalid(...violationsOf(2)),
      );
      const short = named(40).map((request, index) => ({
        ...request,
        city: index < 3 ? request.city : "",
      }));
      expect(await failureOf(client.batchCreatePartners({ requests: short }))).toEqual({
        ...invalid(
          ...Array.from({ length: 25 }, (_, index) => `requests[${index + 3}].city: required`),
        ),
        metadata: { violations: "37", entries: "3-39" },
      });
    });
  });

  /** A batch of one that is as long as said: spaces for JSON, an unknown field for Protobuf. */
  function padTo({ encoding }: Wire, bytes: number): Buffer {
    const batch = create(BatchCreatePartnersRequestSchema, { requests: named(1) });
    if (encoding === "json") {
      const json = toJsonString(BatchCreatePartnersRequestSchema, batch);
      return Buffer.concat([Buffer.from(json), Buffer.alloc(bytes - json.length, " ")]);
    }
    const message = toBinary(BatchCreatePartnersRequestSchema, batch);
    // Field 1000, length-delimited; its length takes four bytes from 2 MiB on, and three before.
    const length = bytes - message.byteLength - 5;
    const prefix = [
      0xc2,
      0x3e,
      (length & 0x7f) | 0x80,
      ((length >> 7) & 0x7f) | 0x80,
      length >> 14,
    ];
    return Buffer.concat([message, Buffer.from(prefix), Buffer.alloc(length)]);
  }

  describe.each(Object.entries(wires))("over %s", (_name, wire) => {
    const send = (message: Uint8Array, more: [string, string][] = [], compressed = false) =>
      wire.call(rpc, service.url, [...headers, ...more], wire.frame(message, compressed));

    test("may be 2 MiB long, and no longer", async () => {
      expect(await send(padTo(wire, limit))).toHaveProperty("message");
      expect(await send(padTo(wire, limit + 1))).toEqual(tooLarge);
    });

    test("may be 2 MiB long when it is decompressed, and no longer", async () => {
      const encoding: [string, string] = [wire.encodingHeader, "gzip"];
      const good = await send(gzipSync(padTo(wire, limit)), [encoding], true);
      expect(good).toHaveProperty("message");
      expect(await send(gzipSync(padTo(wire, limit + 1)), [encoding], true)).toEqual(tooLarge);
    });
  });

  test("of very many empty entries is refused for their number alone", async () => {
    const wire = wires["Connect binary, HTTP/1.1"];
    // Field 1, length 0.
    const body = Buffer.alloc(400_000, Buffer.from([0x0a, 0]));
    expect(await wire?.call(rpc, service.url, headers, body)).toEqual({
      failure: invalid("requests: repeated.max_items"),
    });
  });

  test("of 100 entries with all texts at their greatest length fits into its limit", async () => {
    const { client } = await newBook(service, protocols["Connect JSON, HTTP/1.1"]);
    const texts = Object.entries(textLimits).map(([key, [, length]]) => [key, "🏭".repeat(length)]);
    const request = partnerRequest({
      ...Object.fromEntries(texts),
      email: `${"a".repeat(88)}@example.com`,
    });
    const requests = Array.from({ length: 100 }, () => request);
    expect((await client.batchCreatePartners({ requests })).partners).toHaveLength(100);

    const batch = create(BatchCreatePartnersRequestSchema, { requests });
    const json = toJsonString(BatchCreatePartnersRequestSchema, batch);
    const escaped = json.replace(/[\ud800-\udfff]/g, (unit) => {
      return `\\u${unit.charCodeAt(0).toString(16)}`;
    });
    expect(escaped.length).toBeLessThan(limit);
    const wire = wires["Connect JSON, HTTP/1.1"];
    const answer = await wire?.call(rpc, service.url, headers, Buffer.from(escaped));
    expect(answer).toHaveProperty("message");
  });
});
