import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorReasonSchema } from "../gen/partner/v1/error_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { startTestService, type TestService } from "./support/service.ts";

const text = await readFile("gen/openapi/openapi.json", "utf8");
const document = JSON.parse(text);

describe("the OpenAPI document", () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService("postgresql");
  });
  afterAll(async () => {
    await service?.close();
  });

  test("is served", async () => {
    const response = await fetch(`${service.url}/openapi.json`);
    expect({
      status: response.status,
      type: response.headers.get("Content-Type"),
      text: await response.text(),
    }).toEqual({ status: 200, type: "application/json", text });
  });

  test("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  test("has every RPC, those without side effects with GET too", () => {
    const operations = Object.entries<object>(document.paths).map(([path, item]) => [
      path,
      Object.keys(item).filter((key) => key !== "parameters"),
    ]);
    expect(operations).toEqual(
      PartnerService.methods.map(({ name }) => [
        `/partner.v1.PartnerService/${name}`,
        // The URL of a GET would show the token of an invitation.
        /^(?:Get|List|Count)/.test(name) && name !== "GetInvitation" ? ["post", "get"] : ["post"],
      ]),
    );
  });

  test("says the rules of fields", () => {
    const { CreatePartnerRequest, ListPartnersRequest } = document.components.schemas;
    const { companyName, salesAmount, partnerType, countryCode } = CreatePartnerRequest.properties;
    expect({ companyName, salesAmount, partnerType, countryCode }).toEqual({
      companyName: {
        type: "string",
        minLength: 1,
        maxLength: 100,
        pattern: "^[^\\u0000]*$",
        examples: ["Example Supplies Ltd"],
        description: "Name of the partner company.",
      },
      salesAmount: {
        type: "integer",
        format: "int32",
        minimum: 0,
        maximum: 2147483647,
        examples: [150000],
        description: expect.stringMatching(
          /^Annual sales amount with this partner, in whole units/,
        ),
      },
      partnerType: {
        type: "string",
        enum: ["PARTNER_TYPE_CUSTOMER", "PARTNER_TYPE_SUPPLIER"],
        examples: ["PARTNER_TYPE_CUSTOMER"],
        description: "Whether the organization sells to the partner, or buys from it.",
      },
      countryCode: {
        type: "string",
        pattern: expect.stringMatching(/^\^\(\?:A\[DEF/),
        examples: ["US"],
        description: expect.stringMatching(/^Optional\./),
      },
    });
    expect(CreatePartnerRequest.required).toEqual([
      ...["companyName", "salesAmount", "partnerType", "email", "frequency", "paymentTerms"],
      ...["address", "city", "state", "postalCode", "companyRegistrationNumber"],
    ]);
    expect(ListPartnersRequest.required).toBeUndefined();
  });

  test("names every error reason under a status", () => {
    const descriptions = Object.values<{ description: string }>(document.components.responses)
      .map(({ description }) => description)
      .join("\n");
    const named = [...descriptions.matchAll(/`([A-Z_]+)`: /g)].map(([, reason]) => reason);
    // One that has several statuses is named under each.
    expect([...new Set(named)].sort()).toEqual(
      ErrorReasonSchema.values
        .filter(({ number }) => number !== 0)
        .map(({ localName }) => localName)
        .sort(),
    );
  });
});
