import {
  create,
  type DescMessage,
  fromJsonString,
  type Message,
  toJsonString,
} from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { ServerReflectionResponseSchema } from "@partner-service/health-reflection";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PartnerSchema } from "../gen/partner/v1/partner_pb.ts";
import {
  BatchCreatePartnersRequestSchema,
  CreatePartnerRequestSchema,
  CreatePartnerResponseSchema,
  GetPartnerRequestSchema,
  ListPartnersRequestSchema,
  ListPartnersResponseSchema,
  UpdatePartnerRequestSchema,
} from "../gen/partner/v1/partner_service_pb.ts";
import { createPlainJsonReader } from "../packages/unary-lane/src/plain-json-reader.ts";
import { createPlainJsonWriter } from "../packages/unary-lane/src/plain-json-writer.ts";

/** What Protobuf's own reader makes of the text, as the service has it read. */
const readByProtobuf = (descriptor: DescMessage, text: string) =>
  fromJsonString(descriptor, text, { ignoreUnknownFields: true });

function reads(descriptor: DescMessage, text: string): Message | undefined {
  const read = createPlainJsonReader(descriptor);
  if (read === undefined) {
    throw new Error(`${descriptor} has no plain reader.`);
  }
  return read(text);
}

const request = {
  companyName: "Example Supplies Ltd",
  salesAmount: 150_000,
  partnerType: "PARTNER_TYPE_CUSTOMER",
  email: "partner@example.com",
  city: "東京 👩‍🔧 \u2028",
};

const texts = fc.oneof(
  fc.string(),
  fc.constantFrom(
    "",
    '"',
    "\\",
    "\u0000\u001f\u007f",
    "\u2028",
    "\ud800",
    "\udfff\ud83d",
    "👩‍🔧",
    "e\u0301",
    "ﷺ",
  ),
);

const timestamps = fc
  .record({
    seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
    nanos: fc.oneof(
      fc.constantFrom(0, 1, 999_999_999, 120_000_000, 123_456_000, 1000, 1_000_000),
      fc.integer({ min: 0, max: 999_999_999 }),
    ),
  })
  .map((init) => create(TimestampSchema, init));

const partners = fc
  .record(
    {
      id: texts,
      createdAt: timestamps,
      updatedAt: timestamps,
      companyName: texts,
      salesAmount: fc.integer(),
      partnerType: fc.integer({ min: 0, max: 9 }),
      city: texts,
      countryCode: texts,
      guestOrganizationId: texts,
    },
    { requiredKeys: [] },
  )
  .map((fields) => Object.assign(create(PartnerSchema), fields));

describe("Plain JSON", () => {
  test.each<[string, DescMessage, string]>([
    ["as clients write it", CreatePartnerRequestSchema, JSON.stringify(request)],
    ["with spaces", CreatePartnerRequestSchema, JSON.stringify(request, null, 2)],
    ["in another order", CreatePartnerRequestSchema, '{"city":"Albany","companyName":""}'],
    ["with colons and braces in texts", CreatePartnerRequestSchema, '{"city":"{a:,b}"}'],
    ["that is empty", CreatePartnerRequestSchema, " {} "],
    ["of numbers in other forms", CreatePartnerRequestSchema, '{"salesAmount":1.5e1}'],
    ["of the greatest number", CreatePartnerRequestSchema, '{"salesAmount":2147483647}'],
    ["of the least number", CreatePartnerRequestSchema, '{"salesAmount":-2147483648}'],
    ["of minus zero", CreatePartnerRequestSchema, '{"salesAmount":-0}'],
    ["of another message", GetPartnerRequestSchema, '{"id":"x"}'],
  ])("%s is read as Protobuf reads it", (_case, descriptor, text) => {
    const message = reads(descriptor, text);
    expect(message).toBeDefined();
    expect(message).toEqual(readByProtobuf(descriptor, text));
  });

  test.each([
    ["a name that is there twice", '{"city":"Albany","city":"Albany"}'],
    ["a field by both of its names", '{"companyName":"a","company_name":"b"}'],
    ["a name in snake_case", '{"company_name":"Example"}'],
    ["an unknown name", '{"city":"Albany","nonsense":1}'],
    ["a name that all objects have", '{"constructor":"Albany"}'],
    ["__proto__", '{"__proto__":{"city":"Albany"}}'],
    ["the message's own name", '{"$typeName":"partner.v1.Partner"}'],
    ["an escape in a text", '{"city":"Al\\u0062any"}'],
    ["an escape in a name", '{"cit\\u0079":"Albany"}'],
    ["null", '{"city":null}'],
    ["a number as a text", '{"salesAmount":"15"}'],
    ["a number that is too great", '{"salesAmount":2147483648}'],
    ["a number that is too small", '{"salesAmount":-2147483649}'],
    ["a fraction", '{"salesAmount":1.5}'],
    ["an enum by its number", '{"partnerType":1}'],
    ["an unknown enum", '{"partnerType":"PARTNER_TYPE_NONSENSE"}'],
    ["a text that is a number", '{"city":1}'],
    ["a text that is a list", '{"city":["Albany"]}'],
    ["a list", "[]"],
    ["null by itself", "null"],
    ["a text by itself", '"Albany"'],
  ])("leaves %s to Protobuf's reader", (_case, text) => {
    expect(reads(CreatePartnerRequestSchema, text)).toBeUndefined();
  });

  test.each<[string, DescMessage]>([
    ["lists", BatchCreatePartnersRequestSchema],
    ["messages", UpdatePartnerRequestSchema],
    ["booleans", ListPartnersRequestSchema],
    ["a oneof", ServerReflectionResponseSchema],
  ])("is not read for messages with %s", (_case, descriptor) => {
    expect(createPlainJsonReader(descriptor)).toBeUndefined();
  });

  test("has the outcome of Protobuf's reader for whatever it reads", () => {
    const names = fc.constantFrom(
      ...["companyName", "company_name", "salesAmount", "partnerType", "city", "requestId"],
      ...["nonsense", "__proto__", "toString"],
    );
    const values = fc.oneof(
      texts,
      fc.integer(),
      fc.double(),
      fc.constantFrom("PARTNER_TYPE_CUSTOMER", "PARTNER_TYPE_SUPPLIER", null, true, [], {}),
    );
    const members = fc.array(fc.tuple(names, values), { maxLength: 5 });
    let read = 0;
    fc.assert(
      fc.property(members, (pairs) => {
        const text = `{${pairs.map((pair) => pair.map((each) => JSON.stringify(each)).join(":")).join()}}`;
        const message = reads(CreatePartnerRequestSchema, text);
        if (message !== undefined) {
          read += 1;
          expect(message).toEqual(readByProtobuf(CreatePartnerRequestSchema, text));
        }
      }),
      { numRuns: 2000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  test("is written as Protobuf writes it", () => {
    const options = { alwaysEmitImplicit: true };
    const writePage = createPlainJsonWriter(ListPartnersResponseSchema);
    const writePartner = createPlainJsonWriter(CreatePartnerResponseSchema);
    fc.assert(
      fc.property(
        fc.array(partners, { maxLength: 3 }),
        fc.option(fc.integer(), { nil: undefined }),
        (some, totalSize) => {
          const page = create(ListPartnersResponseSchema, {
            partners: some,
            ...(totalSize === undefined ? {} : { totalSize }),
          });
          expect(writePage?.(page)).toBe(toJsonString(ListPartnersResponseSchema, page, options));
          const [partner] = some;
          const one = create(CreatePartnerResponseSchema, partner && { partner });
          expect(writePartner?.(one)).toBe(toJsonString(CreatePartnerResponseSchema, one, options));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.each([
    ["before the year 1", { seconds: -62_135_596_801n }],
    ["after the year 9999", { seconds: 253_402_300_800n }],
    ["with a negative fraction", { nanos: -1 }],
    ["with a fraction of a whole second", { nanos: 1_000_000_000 }],
  ])("has no timestamp %s, as Protobuf has none", (_case, init) => {
    const message = create(CreatePartnerResponseSchema, {
      partner: { createdAt: create(TimestampSchema, init) },
    });
    expect(() => createPlainJsonWriter(CreatePartnerResponseSchema)?.(message)).toThrow(
      "cannot encode message google.protobuf.Timestamp to JSON",
    );
  });

  test.each<[string, DescMessage]>([
    ["a type of Protobuf's own", UpdatePartnerRequestSchema],
    ["a oneof", ServerReflectionResponseSchema],
  ])("is not written for messages with %s", (_case, descriptor) => {
    expect(createPlainJsonWriter(descriptor)).toBeUndefined();
  });
});
