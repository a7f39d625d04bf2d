import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  CreatePartnerRequestSchema,
  ListPartnersRequestSchema,
} from "../../../gen/partner/v1/partner_service_pb.ts";
import { partnerRequest } from "../../../test/support/requests.ts";
import { createFastValidator } from "../src/index.ts";

const slow = createValidator();
/** The types of the messages that the validator itself had to judge. */
const judged: string[] = [];
const watched: Validator = {
  validate(descriptor, message) {
    judged.push(descriptor.typeName);
    return slow.validate(descriptor, message);
  },
};
const fast = createFastValidator(watched);

const admitted: unknown[] = [];
const onAdmitted = (message: unknown) => admitted.push(message);

beforeAll(() => subscribe("fast-validation.admitted", onAdmitted));
afterAll(() => unsubscribe("fast-validation.admitted", onAdmitted));

function violationsOf<Desc extends DescMessage>(
  descriptor: Desc,
  fields: MessageInitShape<Desc>,
  validator = fast,
) {
  const { violations = [] } = validator.validate(descriptor, create(descriptor, fields));
  return violations.map(String);
}

describe("The fast validator", () => {
  beforeEach(() => {
    // The first message of a type has its rules compiled.
    for (const descriptor of [CreatePartnerRequestSchema, ListPartnersRequestSchema]) {
      fast.validate(descriptor, create(descriptor));
    }
    judged.length = 0;
    admitted.length = 0;
  });

  test("admits a plain message that is good without the validator, and says so", () => {
    const message = partnerRequest();
    const outcome = fast.validate(CreatePartnerRequestSchema, message);
    expect(outcome).toEqual({ kind: "valid", message, error: undefined, violations: undefined });
    expect(judged).toEqual([]);
    expect(admitted).toEqual([{ message: "partner.v1.CreatePartnerRequest" }]);
  });

  test("leaves every other message to the validator", () => {
    const fields = { ...partnerRequest(), city: "" };
    expect(violationsOf(CreatePartnerRequestSchema, fields)).toEqual(
      violationsOf(CreatePartnerRequestSchema, fields, slow),
    );
    expect(violationsOf(ListPartnersRequestSchema, { filters: {} })).toEqual([]);
    expect(judged).toEqual(["partner.v1.CreatePartnerRequest", "partner.v1.ListPartnersRequest"]);
    expect(admitted).toEqual([]);
  });

  test("tells of rules that do not compile, as the validator does", () => {
    const error = new Error("It does not compile.");
    const broken = {
      validate: (_descriptor: DescMessage, message: unknown) => ({ kind: "error", message, error }),
    };
    const validator = createFastValidator(broken as never);
    expect(validator.validate(CreatePartnerRequestSchema, partnerRequest())).toMatchObject({
      kind: "error",
      error,
    });
  });
});
