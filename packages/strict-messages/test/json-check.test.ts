import { create, type DescMessage, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BatchCreatePartnersRequestSchema,
  CreatePartnerRequestSchema,
  ListPartnersRequestSchema,
  UpdatePartnerRequestSchema,
} from "../../../gen/partner/v1/partner_service_pb.ts";
import { createJsonCheck } from "../src/json-check.ts";

const schemas: readonly DescMessage[] = [
  BatchCreatePartnersRequestSchema,
  CreatePartnerRequestSchema,
  ListPartnersRequestSchema,
  UpdatePartnerRequestSchema,
];

/** What checks each of them: to make one takes longer than to check a text. */
const checks = new Map(schemas.map((schema) => [schema, createJsonCheck(schema, "refuse")]));

/** JSON of the fields that the messages have, with values that may be right. */
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...["", "Albany", "16", "1e2", "0x10", " 1", "2024-01-10T12:00:00Z", "3s"]),
    fc.constantFrom("PARTNER_TYPE_CUSTOMER", "SUPPLIER", 'a\\b"c', "\ud800", "companyName,city"),
    fc.constantFrom(0, 1, -1, 1.5, 2 ** 31, 1e21, true, false, null),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("object"),
  ),
  object: fc.dictionary(
    fc.constantFrom(
      ...["requests", "requestId", "companyName", "company_name", "salesAmount", "partnerType"],
      ...["filters", "partnerTypes", "ids", "order", "field", "pageSize", "includeTotalSize"],
      ...["partner", "updateMask", "createdAt", "id", "nonsense", "__proto__"],
    ),
    tie("value"),
    { maxKeys: 4 },
  ),
}));

describe("The check of JSON", () => {
  test("admits what the decoder reads, and nothing that it does not, but for numbers and long lists", () => {
    const outcomes = { admitted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.constantFrom(...schemas), values.object, (schema, object) => {
        const text = JSON.stringify(object);
        const violations = checks.get(schema)?.(text)?.violations ?? [];
        const isRead = reads(schema, text);
        if (violations.length === 0) {
          expect({ text, isRead }).toEqual({ text, isRead: true });
          outcomes.admitted += 1;
        } else if (isRead) {
          const reasons = violations.map(({ reason }) => reason);
          const isStricter = text.includes("0x10") || reasons.includes("repeated.max_items");
          expect({ text, violations, isStricter }).toMatchObject({ isStricter: true });
        } else {
          outcomes.refused += 1;
        }
      }),
      { numRuns: 5000 },
    );
    expect(outcomes.admitted).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(100);
  });

  test("ends whatever the text is, and leaves to the decoder what is no JSON", () => {
    const whole = toJsonString(
      ListPartnersRequestSchema,
      create(ListPartnersRequestSchema, { filters: { ids: ["a", 'b"\\'], partnerTypes: [1] } }),
    );
    const check = createJsonCheck(ListPartnersRequestSchema, "refuse");
    for (let length = 0; length < whole.length; length++) {
      expect({ length, found: check(whole.slice(0, length)) }).toEqual({ length });
    }
    fc.assert(fc.property(fc.string(), (text) => void check(text)));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...'{}[]",:\\un0ea ')), (parts) => {
        check(parts.join(""));
      }),
    );
  });

  test("leaves out what cannot be decoded, and nothing else", () => {
    let mendedTexts = 0;
    fc.assert(
      fc.property(fc.constantFrom(...schemas), values.object, (schema, object) => {
        const text = JSON.stringify(object);
        const { mended, violations = [] } = checks.get(schema)?.(text) ?? {};
        const isTwice = violations.some(({ description }) => description.includes("once"));
        if (mended !== undefined && !isTwice) {
          mendedTexts += 1;
          expect({ text, mended, isRead: reads(schema, mended, true) }).toMatchObject({
            isRead: true,
          });
        }
      }),
      { numRuns: 5000 },
    );
    expect(mendedTexts).toBeGreaterThan(100);
    const check = createJsonCheck(BatchCreatePartnersRequestSchema, "refuse");
    expect(check('{"requests": [7, {"city": [1], "salesAmount":  "1.5" , "state":"NY"}]}')).toEqual(
      {
        violations: [
          { field: "requests[0]", description: "must be an object - got 7", reason: "type" },
          {
            field: "requests[1].city",
            description: "must be a string - got a list",
            reason: "type",
          },
          {
            field: "requests[1].sales_amount",
            description: 'must be a whole number from 0 to 2147483647 - got "1.5"',
            reason: "type",
          },
        ],
        mended: '{"requests": [{}, {"city": null, "salesAmount":  null , "state":"NY"}]}',
        leftOut: ["requests[0]", "requests[1].city", "requests[1].sales_amount"],
      },
    );
  });

  test("finds a field that is there twice, by either name", () => {
    const check = createJsonCheck(CreatePartnerRequestSchema, "ignore");
    const text = '{"city":"a","ci\\u0074y":"b","company_name":"c","companyName":null}';
    expect(check(text)?.violations).toEqual([
      { field: "city", description: "must be there once", reason: "type" },
      { field: "company_name", description: "must be there once", reason: "type" },
    ]);
  });

  test("repeats no more than the beginning of what a caller has sent", () => {
    const check = createJsonCheck(CreatePartnerRequestSchema, "refuse");
    const [unknown] = check(JSON.stringify({ ["🏭".repeat(1000)]: 1 }))?.violations ?? [];
    expect(unknown?.field).toBe(`${"🏭".repeat(15)}…`);
    const [value] = check(JSON.stringify({ partnerType: "x".repeat(1000) }))?.violations ?? [];
    expect(value?.description).toBe(`has the unknown value ${"x".repeat(61)}…`);
  });
});

function reads(schema: DescMessage, text: string, ignoreUnknownFields = false): boolean {
  try {
    fromJsonString(schema, text, { ignoreUnknownFields });
    return true;
  } catch {
    return false;
  }
}
