import { create } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { iso31661 } from "iso-3166";
import { expect, test } from "vitest";
import { PartnerSchema } from "../gen/partner/v1/partner_pb.ts";
import { CreatePartnerRequestSchema } from "../gen/partner/v1/partner_service_pb.ts";
import { partnerRequest } from "./support/requests.ts";

const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const pairs = letters.flatMap((first) => letters.map((second) => first + second));
const validator = createValidator();
const id = "0198c2d4-7a11-7c33-9d53-2f4a1c0e8b11";

test.each([
  [
    "CreatePartner",
    (countryCode: string) =>
      validator.validate(CreatePartnerRequestSchema, partnerRequest({ countryCode })),
  ],
  [
    "UpdatePartner",
    (countryCode: string) =>
      validator.validate(PartnerSchema, create(PartnerSchema, { id, countryCode })),
  ],
])("the countries of %s are those of ISO 3166-1", (_rpc, validate) => {
  const taken = pairs.filter((code) => validate(code).kind === "valid");
  expect(taken).toEqual(iso31661.map(({ alpha2 }) => alpha2).sort());
});
