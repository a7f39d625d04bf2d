import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { create, type DescMethodUnary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/databases.ts";
import { goodHeaders, type RawHeaders, rawPosts } from "./support/raw-calls.ts";
import { examplePartnerJson, partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { type Wire, wires } from "./support/wires.ts";

const {
  batchCreatePartners,
  createPartner,
  deletePartner,
  getPartner,
  invitePartner,
  listPartners,
  updatePartner,
} = PartnerService.method;
const id = randomUUID();

const refusedNames: readonly [string, DescMethodUnary, unknown, string, string][] = [
  [
    "an enum value without its prefix, in a list in a filter",
    listPartners,
    { filters: { partnerTypes: ["SUPPLIER"] } },
    "filters.partner_types[0]",
    "has the unknown value SUPPLIER - did you mean PARTNER_TYPE_SUPPLIER?",
  ],
  [
    "an enum value in lower case, in an update",
    updatePartner,
    { partner: { id, partnerType: "customer" } },
    "partner.partner_type",
    "has the unknown value customer - did you mean PARTNER_TYPE_CUSTOMER?",
  ],
  [
    "an enum value with a letter too few, in a batch",
    batchCreatePartners,
    { requests: [examplePartnerJson, { ...examplePartnerJson, partnerType: "CUSTOMR" }] },
    "requests[1].partner_type",
    "has the unknown value CUSTOMR - did you mean PARTNER_TYPE_CUSTOMER?",
  ],
  [
    "an enum value that is nothing like one",
    createPartner,
    { ...examplePartnerJson, partnerType: "FRIEND" },
    "partner_type",
    "has the unknown value FRIEND",
  ],
  [
    "a field in another case",
    deletePartner,
    { id, eTag: "r999" },
    "eTag",
    "is unknown - did you mean etag?",
  ],
  [
    "a misspelt field",
    createPartner,
    { ...examplePartnerJson, companyNmae: "a" },
    "companyNmae",
    "is unknown - did you mean companyName?",
  ],
  [
    "the beginning of a field",
    updatePartner,
    { partner: { id, postal: "1" } },
    "partner.postal",
    "is unknown - did you mean postalCode?",
  ],
  ["a field that is nothing like one", getPartner, { id, verbose: true }, "verbose", "is unknown"],
  [
    "a field in an entry of a batch",
    batchCreatePartners,
    { requests: [examplePartnerJson, { ...examplePartnerJson, Town: "a" }] },
    "requests[1].Town",
    "is unknown",
  ],
  [
    "a field with a value of any kind",
    listPartners,
    { filter: [{ a: [1, "]"] }, null] },
    "filter",
    "is unknown - did you mean filters?",
  ],
];

/** Values of `sales_amount` as they stand in JSON. */
const numbers: readonly [string, number][] = [
  ["16", 16],
  ['"16"', 16],
  ["1e2", 100],
  ['"1e2"', 100],
  ['"1E+2"', 100],
  ["1.0", 1],
  ['"1.0"', 1],
  ['"15.5e1"', 155],
  ["-0", 0],
  ['"0"', 0],
  ["2147483647", 2_147_483_647],
];
const nonNumbers = [
  ...['"0x10"', '"0b1"', '"0o7"', '" 16"', '"16 "', '"+1"', '"01"', '".5"', '"1."', '"1_000"'],
  ...['"١٦"', '"１６"', '"1,5"', '"1n"', '"1e"', '""', '"NaN"', '"Infinity"', '"1.5"', "1.5"],
  ...["2147483648", '"2147483648"', "true", "[1]", "{}", '"1e400"', '"\\u0020 1"', '"null"'],
];

/** Other values that are not of their field's type. */
const wrongTypes: readonly [DescMethodUnary, unknown, string, string][] = [
  [createPartner, { ...examplePartnerJson, city: 1 }, "city", "must be a string - got 1"],
  [
    batchCreatePartners,
    { requests: [examplePartnerJson, { ...examplePartnerJson, salesAmount: "many" }] },
    "requests[1].sales_amount",
    'must be a whole number from 0 to 2147483647 - got "many"',
  ],
  [batchCreatePartners, { requests: [null] }, "requests[0]", "must be an object - got null"],
  [batchCreatePartners, { requests: {} }, "requests", "must be a list - got an object"],
  [updatePartner, { partner: [] }, "partner", "must be an object - got a list"],
  [
    updatePartner,
    { partner: { id, createdAt: "yesterday" } },
    "partner.created_at",
    'must be a time such as "2024-01-10T12:00:00.123456Z" - got "yesterday"',
  ],
  [
    updatePartner,
    { partner: { id }, updateMask: "company_name" },
    "update_mask",
    'must be names of fields such as "city" - got "company_name"',
  ],
  [
    invitePartner,
    { id, timeToLive: "1 day" },
    "time_to_live",
    'must be a duration in seconds such as "3600s" - got "1 day"',
  ],
  [
    listPartners,
    { includeTotalSize: "true" },
    "include_total_size",
    'must be true or false - got "true"',
  ],
  [listPartners, { filters: { ids: [id, 1] } }, "filters.ids[1]", "must be a string - got 1"],
  [
    listPartners,
    { filters: { ids: ["\ud800"] } },
    "filters.ids[0]",
    'must be Unicode - got "\\ud800"',
  ],
  [
    listPartners,
    { filters: { partnerTypes: [null] } },
    "filters.partner_types[0]",
    "must be a value of partner.v1.PartnerType - got null",
  ],
  [
    listPartners,
    { filters: { partnerTypes: [1.5] } },
    "filters.partner_types[0]",
    "must be a value of partner.v1.PartnerType - got 1.5",
  ],
];

const jsonWires = Object.entries(wires).filter(([, { encoding }]) => encoding === "json");
const binaryWires = Object.entries(wires).filter(([, { encoding }]) => encoding === "proto");

describe("A message that the contract does not allow", () => {
  let database: TestDatabase;
  let services: Readonly<Record<string, TestService>>;

  beforeAll(async () => {
    database = await createTestDatabase("postgresql");
    const shared = { ...database, close: async () => {} };
    services = {
      lane: await startTestService(shared, { unaryLane: true }),
      plugin: await startTestService(shared, { unaryLane: false }),
      lenient: await startTestService(shared, { jsonUnknownFields: "ignore" }),
    };
  });
  afterAll(async () => {
    for (const service of Object.values(services)) {
      await service.close();
    }
    await database.close();
  });

  async function call(
    way: string,
    wire: Wire,
    rpc: DescMethodUnary,
    message: string | Uint8Array,
    { compressed = false, more = [] }: { compressed?: boolean; more?: RawHeaders } = {},
  ) {
    const service = services[way];
    const bytes = compressed ? gzipSync(message) : Buffer.from(message);
    const encoding: RawHeaders = compressed ? [[wire.encodingHeader, "gzip"]] : [];
    const headers = [...goodHeaders((await service?.issuer.token()) ?? ""), ...encoding, ...more];
    return await wire.call(rpc, service?.url ?? "", headers, wire.frame(bytes, compressed));
  }

  /** The error of a call whose message breaks one rule. */
  const invalid = (field: string, reason: string) => ({
    failure: {
      code: "InvalidArgument",
      reason: "FIELD_INVALID",
      violations: [`${field}: ${reason}`],
    },
  });

  describe.each(["lane", "plugin"])("on the %s", (way) => {
    describe.each(jsonWires)("over %s", (_name, wire) => {
      test.each(refusedNames)("is refused for %s", async (_what, rpc, json, field, description) => {
        const outcome = await call(way, wire, rpc, JSON.stringify(json));
        const reason = description.startsWith("is unknown") ? "field.unknown" : "enum.unknown";
        expect(outcome).toMatchObject(invalid(field, reason));
      });

      test.each(numbers)("is not one with the number %s", async (written, number) => {
        const text = JSON.stringify({ ...examplePartnerJson, salesAmount: 4711 });
        const outcome = await call(way, wire, createPartner, text.replace("4711", written));
        expect(outcome).toMatchObject({ message: { partner: { salesAmount: number } } });
      });

      test.each(nonNumbers)("is refused for the number %s", async (written) => {
        const text = JSON.stringify({ ...examplePartnerJson, salesAmount: 4711 });
        expect(await call(way, wire, createPartner, text.replace("4711", written))).toMatchObject(
          invalid("sales_amount", "type"),
        );
      });

      test.each(wrongTypes)("is refused by %s for %j", async (rpc, json, field) => {
        const outcome = await call(way, wire, rpc, JSON.stringify(json));
        expect(outcome).toMatchObject(invalid(field, "type"));
      });

      test("tells of each entry of a batch all that is wrong with it, in their order", async () => {
        const requests = [
          { ...examplePartnerJson, city: "" },
          { ...examplePartnerJson, salesAmount: "1.234,50", email: "nobody" },
          examplePartnerJson,
          "a row",
          {
            ...examplePartnerJson,
            salesAmount: 3_000_000_000,
            companyName: 7,
            countryCode: "Germany",
          },
          { ...examplePartnerJson, salesAmount: null, town: "Berlin", partnerType: "FRIEND" },
        ];
        const outcome = await call(way, wire, batchCreatePartners, JSON.stringify({ requests }));
        expect(outcome).toEqual({
          failure: {
            code: "InvalidArgument",
            reason: "FIELD_INVALID",
            violations: [
              "requests[0].city: required",
              "requests[1].sales_amount: type",
              "requests[1].email: string.email",
              "requests[3]: type",
              "requests[4].company_name: type",
              "requests[4].sales_amount: type",
              "requests[4].country_code: country_code.iso_3166",
              "requests[5].partner_type: enum.unknown",
              "requests[5].town: field.unknown",
              "requests[5].sales_amount: required",
            ],
          },
        });
      });

      test("tells of 100 entries that cannot be decoded how many there are", async () => {
        const requests = Array(100).fill({ ...examplePartnerJson, salesAmount: "many", city: "" });
        const outcome = await call(way, wire, batchCreatePartners, JSON.stringify({ requests }));
        expect(outcome).toMatchObject({
          failure: { metadata: { violations: "200", entries: "0-99" } },
        });
        expect("failure" in outcome && outcome.failure.violations).toHaveLength(24);
      });

      test("tells all that is wrong with it, up to 25 things", async () => {
        const two = await call(way, wire, createPartner, '{"city":1,"citty":2}');
        expect(two).toMatchObject({
          failure: {
            violations: expect.arrayContaining([
              "city: type",
              "citty: field.unknown",
              "company_name: required",
            ]),
          },
        });
        const many = JSON.stringify({ filters: { ids: Array(50).fill(1) } });
        const outcome = await call(way, wire, listPartners, many);
        expect("failure" in outcome && outcome.failure.violations).toHaveLength(25);
      });
    });

    describe.each([...jsonWires, ...binaryWires])("over %s", (_name, wire) => {
      const isJson = wire.encoding === "json";

      test.each([false, true])(
        "is refused before a million entries are made of it (compressed: %s)",
        async (compressed) => {
          const entries = 2 * 1024 * 1024 - 64;
          const bomb = isJson
            ? `{"requests":[{}${",{}".repeat(entries / 3 - 10)}]}`
            : Buffer.alloc(entries, Buffer.from([0x0a, 0]));
          const outcome = await call(way, wire, batchCreatePartners, bomb, { compressed });
          expect(outcome).toMatchObject(invalid("requests", "repeated.max_items"));
        },
      );

      test.each([false, true])(
        "is refused for a long list in it (compressed: %s)",
        async (compressed) => {
          // Field 3, filters, with field 1, partner_types, packed.
          const types = Buffer.alloc(65_000, 1);
          const bomb = isJson
            ? `{"filters":{"partnerTypes":[1${",1".repeat(30_000)}]}}`
            : Buffer.concat([lengthPrefixed(0x1a, lengthPrefixed(0x0a, types))]);
          expect(await call(way, wire, listPartners, bomb, { compressed })).toMatchObject(
            invalid("filters.partner_types", "repeated.max_items"),
          );
        },
      );

      test("may have a list of the greatest length, and not one entry more", async () => {
        const batch = (length: number) =>
          isJson
            ? JSON.stringify({ requests: Array(length).fill(examplePartnerJson) })
            : toBinary(
                batchCreatePartners.input,
                create(batchCreatePartners.input, {
                  requests: Array.from({ length }, () => partnerRequest()),
                }),
              );
        expect(await call(way, wire, batchCreatePartners, batch(100))).toHaveProperty("message");
        expect(await call(way, wire, batchCreatePartners, batch(101))).toMatchObject(
          invalid("requests", "repeated.max_items"),
        );
      });
    });

    test.each(binaryWires)("is none for a field that is unknown, over %s", async (_name, wire) => {
      const message = Buffer.concat([
        toBinary(listPartners.input, create(listPartners.input)),
        Buffer.from([0xc2, 0x3e, 0x01, 0x61]),
      ]);
      expect(await call(way, wire, listPartners, message)).toHaveProperty("message");
    });

    test.each(binaryWires)("is refused for a million values, over %s", async (_name, wire) => {
      const message = Buffer.alloc(2 * 1024 * 1024 - 64, Buffer.from([0x78, 0]));
      expect(await call(way, wire, batchCreatePartners, message)).toMatchObject(
        invalid("", "size"),
      );
    });

    test.each(
      [...refusedNames, ...wrongTypes.map((each) => ["", ...each] as const)].map(
        ([, rpc, json, field, description]) => [`${field} (${description})`, rpc, json] as const,
      ),
    )("is refused in these words: %s", async (message, { name }, json) => {
      const { url = "", issuer } = services[way] ?? {};
      const headers = goodHeaders((await issuer?.token()) ?? "");
      const path = `/partner.v1.PartnerService/${name}`;
      const { body } = await rawPosts["HTTP/1.1"](url, headers, JSON.stringify(json), { path });
      expect(JSON.parse(body.toString()).message).toBe(message);
    });

    test("is refused by GET, too", async () => {
      const { url = "", issuer } = services[way] ?? {};
      const headers = goodHeaders((await issuer?.token()) ?? "").slice(1);
      const message = encodeURIComponent('{"filters":{"partnerTypes":["SUPPLIER"]}}');
      const path = `/partner.v1.PartnerService/ListPartners?encoding=json&message=${message}`;
      const { status, body } = await rawPosts["HTTP/1.1"](url, headers, "", {
        method: "GET",
        path,
      });
      expect({ status, ...JSON.parse(body.toString()) }).toMatchObject({
        status: 400,
        code: "invalid_argument",
        message:
          "filters.partner_types[0] (has the unknown value SUPPLIER - did you mean PARTNER_TYPE_SUPPLIER?)",
      });
    });
  });

  test.each(jsonWires)(
    "is read without what is unknown where that is set, over %s",
    async (_name, wire) => {
      const lists = { filters: { partnerTypes: ["SUPPLIER"], nonsense: [{}] }, more: 1 };
      expect(await call("lenient", wire, listPartners, JSON.stringify(lists))).toHaveProperty(
        "message",
      );
      expect(
        await call(
          "lenient",
          wire,
          createPartner,
          JSON.stringify({ ...examplePartnerJson, salesAmount: "0x10" }),
        ),
      ).toMatchObject(invalid("sales_amount", "type"));
      const many = `{"unknown":[[]${",[]".repeat(20_000)}]}`;
      expect(await call("lenient", wire, listPartners, many)).toMatchObject(invalid("", "size"));
    },
  );
});

/** A field with a length, which takes three bytes. */
function lengthPrefixed(tag: number, content: Uint8Array): Buffer {
  const { byteLength: length } = content;
  return Buffer.concat([
    Buffer.from([tag, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14]),
    content,
  ]);
}
