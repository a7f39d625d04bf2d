import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvitationStatus, type PartnerType } from "../../../gen/partner/v1/partner_pb.ts";
import {
  BatchCreatePartnersRequestSchema,
  CreatePartnerRequestSchema,
  ListPartnersRequestSchema,
  PartnerFiltersSchema,
} from "../../../gen/partner/v1/partner_service_pb.ts";
import { createBinaryCheck } from "../src/binary-check.ts";
import type { Violation } from "../src/violation.ts";

/** What is wrong with a message; undefined for one that is admitted. */
function violationOf(schema: typeof ListPartnersRequestSchema, bytes: Uint8Array) {
  let found: Violation | undefined;
  const check = createBinaryCheck(schema, ([violation]) => {
    found = violation;
    return new Error("refused");
  });
  try {
    check?.(bytes);
  } catch {
    // The violation tells.
  }
  return found;
}

const filters = fc.record({
  // Open enums hold any number.
  partnerTypes: fc.array(
    fc.integer().map((number) => number as PartnerType),
    { maxLength: 4 },
  ),
  ids: fc.array(fc.string(), { maxLength: 110, size: "max" }),
  invitationStatuses: fc.array(
    fc.constantFrom(InvitationStatus.INVITED, InvitationStatus.ACCEPTED),
    {
      maxLength: 4,
    },
  ),
  text: fc.string(),
});

describe("The check of binary messages", () => {
  test("finds the first list that is too long, and no other", () => {
    const seen = { admitted: 0, refused: 0 };
    fc.assert(
      fc.property(filters, (init) => {
        const message = create(ListPartnersRequestSchema, {
          pageSize: 7,
          filters: create(PartnerFiltersSchema, init),
        });
        const expected =
          init.partnerTypes.length > 2
            ? "filters.partner_types"
            : init.ids.length > 100
              ? "filters.ids"
              : init.invitationStatuses.length > 2
                ? "filters.invitation_statuses"
                : undefined;
        seen[expected === undefined ? "admitted" : "refused"] += 1;
        const bytes = toBinary(ListPartnersRequestSchema, message);
        expect(violationOf(ListPartnersRequestSchema, bytes)?.field).toBe(expected);
      }),
      { numRuns: 500 },
    );
    expect(seen.admitted).toBeGreaterThan(10);
    expect(seen.refused).toBeGreaterThan(10);
  });

  test.each([
    ["packed in several records", [0x0a, 2, 1, 2, 0x0a, 1, 1]],
    ["each in a record of its own", [0x08, 1, 0x08, 2, 0x08, 1]],
    ["with varints of several bytes", [0x0a, 5, 0x80, 0x01, 0xff, 0x7f, 1]],
  ])("counts entries that are %s", (_how, entries) => {
    const message = Uint8Array.from([0x1a, entries.length, ...entries]);
    expect(fromBinary(ListPartnersRequestSchema, message).filters?.partnerTypes).toHaveLength(3);
    expect(violationOf(ListPartnersRequestSchema, message)).toEqual({
      field: "filters.partner_types",
      description: "must hold at most 2 entries",
      reason: "repeated.max_items",
    });
  });

  test("counts the entries of a message that comes in several parts together", () => {
    const message = Uint8Array.from([0x1a, 4, 0x0a, 2, 1, 2, 0x1a, 3, 0x0a, 1, 1]);
    expect(fromBinary(ListPartnersRequestSchema, message).filters?.partnerTypes).toHaveLength(3);
    expect(violationOf(ListPartnersRequestSchema, message)?.field).toBe("filters.partner_types");
  });

  test("counts nothing of what stands in a group that is unknown", () => {
    const group = [0xc3, 0x3e, ...Array.from({ length: 300 }, () => [0x0a, 0]).flat(), 0xc4, 0x3e];
    const check = createBinaryCheck(BatchCreatePartnersRequestSchema, () => new Error("refused"));
    expect(fromBinary(BatchCreatePartnersRequestSchema, Uint8Array.from(group)).requests).toEqual(
      [],
    );
    expect(() => check?.(Uint8Array.from(group))).not.toThrow();
  });

  test("leaves what is malformed to the decoder, and ends whatever it is", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        violationOf(ListPartnersRequestSchema, bytes);
      }),
      { numRuns: 5000 },
    );
    const cut = Uint8Array.from([0x1a, 200, 1, 0x0a, 3, 1, 1, 1]);
    expect(violationOf(ListPartnersRequestSchema, cut)).toBeUndefined();
  });

  test("is there for messages with bounded lists only", () => {
    const refuse = () => new Error("refused");
    expect(createBinaryCheck(CreatePartnerRequestSchema, refuse)).toBeUndefined();
    expect(createBinaryCheck(ListPartnersRequestSchema, refuse)).toBeDefined();
  });
});
