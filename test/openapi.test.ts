import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorReasonSchema } from "../gen/partner/v1/error_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { examplePartnerJson } from "./support/requests.ts";
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

  test("has every RPC that answers with one message, as a POST", () => {
    const operations = Object.entries<object>(document.paths).map(([path, item]) => [
      path,
      Object.keys(item).filter((key) => key !== "parameters"),
    ]);
    expect(operations).toEqual(
      PartnerService.methods
        .filter(({ methodKind }) => methodKind === "unary")
        .map(({ name }) => [`/partner.v1.PartnerService/${name}`, ["post"]]),
    );
  });

  test("requires of an answer what is always sent, and of an error its details", async () => {
    const ajv = new Ajv2020({ strict: false, formats: { "date-time": true, int32: true } });
    ajv.addSchema(document, "openapi.json");
    const organization = randomUUID();
    const headers = {
      "Content-Type": "application/json",
      Authorization: `Bearer ${await service.issuer.token({ org_id: organization })}`,
      "Requester-Organization-ID": organization,
      "Target-Organization-ID": organization,
    };
    async function call(rpc: string, message: object, schema = `${rpc}Response`) {
      const path = `${service.url}/partner.v1.PartnerService/${rpc}`;
      const body = JSON.stringify(message);
      const response = await fetch(path, { method: "POST", headers, body });
      const answer = JSON.parse(await response.text());
      const validate = ajv.getSchema(`openapi.json#/components/schemas/${schema}`);
      const valid = validate?.(answer);
      expect({ rpc, valid, errors: validate?.errors }).toEqual({ rpc, valid: true, errors: null });
      return answer;
    }
    const bare: Record<string, unknown> = { ...examplePartnerJson };
    delete bare.countryCode;
    const { partner } = await call("CreatePartner", bare);
    const { Partner } = document.components.schemas;
    expect(Object.keys(partner).sort()).toEqual([...Partner.required].sort());
    const requests = [bare, { ...bare, city: "" }];
    const partial = await call("BatchCreatePartners", { requests, allowPartial: true });
    expect(Object.keys(partial.results[1])).toEqual(["error", "errorInfo", "fieldViolations"]);
    await call("ListPartners", {});
    await call("ListPartnerChanges", {});
    await call("InvitePartner", { id: partner.id });
    await call("ListConnections", {});
    const refused = await call("CreatePartner", { ...bare, city: "" }, "CallError");
    const details: { debug: object }[] = refused.details;
    expect(details.map(({ debug }) => debug)).toEqual([
      { reason: "FIELD_INVALID", domain: "partner.v1", metadata: {} },
      {
        fieldViolations: [{ field: "city", description: "value is required", reason: "required" }],
      },
    ]);
    await call("CreateNothing", {}, "CallError");
  });

  test("says the rules of fields", () => {
    const { CreatePartnerRequest, ListPartnersRequest, PartnerType } = document.components.schemas;
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
        $ref: "#/components/schemas/PartnerType",
        description: "Whether the organization sells to the partner, or buys from it.",
      },
      countryCode: {
        type: "string",
        pattern: expect.stringMatching(/^\^\(\?:A\[DEF/),
        examples: ["US"],
        description: expect.stringMatching(/^Optional\./),
      },
    });
    expect(PartnerType.enum).toEqual(["PARTNER_TYPE_CUSTOMER", "PARTNER_TYPE_SUPPLIER"]);
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
