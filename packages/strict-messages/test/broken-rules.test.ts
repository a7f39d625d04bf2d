import { create } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { expect, test } from "vitest";
import { PartnerType } from "../../../gen/partner/v1/partner_pb.ts";
import {
  BatchCreatePartnersRequestSchema,
  CreatePartnerRequestSchema,
} from "../../../gen/partner/v1/partner_service_pb.ts";
import { findBrokenRules } from "../src/index.ts";

const good = {
  ...{
    companyName: "Example Supplies Ltd",
    salesAmount: 0,
    partnerType: PartnerType.CUSTOMER,
    city: "New York",
  },
  ...{ email: "partner@example.com", frequency: "monthly", paymentTerms: "Net 30", state: "NY" },
  ...{ address: "123 Main St", postalCode: "12345", companyRegistrationNumber: "123456789" },
};
const validator = createValidator();

function brokenBy(changes: Readonly<Record<string, unknown>>) {
  const message = Object.assign(create(CreatePartnerRequestSchema, good), changes);
  return findBrokenRules(validator, CreatePartnerRequestSchema, message);
}

test("A message that follows its rules breaks none", () => {
  expect(brokenBy({})).toEqual([]);
});

test("Each broken rule is told with what was got, but for what says nothing", () => {
  expect(
    brokenBy({ salesAmount: -1, partnerType: 9, city: "x".repeat(101), state: "a\0b" }),
  ).toEqual([
    {
      field: "sales_amount",
      description: expect.stringMatching(/ - got -1$/),
      reason: "int32.gte",
    },
    {
      field: "partner_type",
      description: "must be a value that the contract knows - got 9",
      reason: "enum.defined_only",
    },
    { field: "city", description: expect.stringMatching(/ - got 101$/), reason: "string.max_len" },
    { field: "state", description: "must not hold U+0000", reason: "string.not_contains" },
  ]);
});

test("The path leads into the entry of a list", () => {
  const requests = [good, { ...good, frequency: "" }];
  const message = create(BatchCreatePartnersRequestSchema, { requests });
  const broken = findBrokenRules(validator, BatchCreatePartnersRequestSchema, message);
  expect(broken.map(({ field }) => field)).toEqual(["requests[1].frequency"]);
});
