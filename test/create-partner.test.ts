import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InvitationStatus } from "../gen/partner/v1/partner_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { acceptedRequests, callHeaders, failingCalls } from "./support/call-cases.ts";
import { databaseKinds } from "./support/databases.ts";
import { acme } from "./support/organizations.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

describe.each(databaseKinds)("CreatePartner on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  describe.each(Object.entries(protocols))("over %s", (_name, createTransport) => {
    const client = () => createClient(PartnerService, createTransport(service.url));

    test.each(Object.entries(acceptedRequests))("stores %s as sent", async (_case, changes) => {
      const request = partnerRequest(changes);
      const headers = callHeaders(await service.issuer.token());
      const { partner } = await client().createPartner(request, { headers });
      const stored = await service.findPartner(acme, partner?.id ?? "");

      if (partner === undefined) {
        throw new Error("The answer holds no partner.");
      }
      const { $typeName: _type, id, createdAt, updatedAt, etag, ...rest } = partner;
      const { $typeName: _requestType, validateOnly: _only, ...fields } = request;
      expect(rest).toEqual({
        ...fields,
        organizationId: acme,
        invitationStatus: InvitationStatus.INVITED,
      });
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(etag).not.toBe("");
      expect(updatedAt).toEqual(createdAt);
      expect({
        seconds: createdAt?.seconds,
        nanos: createdAt?.nanos,
      }).toEqual(stored.createdAt);
    });
  });
});

// What is refused never reaches the database: one engine is enough.
describe("CreatePartner", () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService("postgresql");
  });
  afterAll(async () => {
    await service?.close();
  });

  test("has a good request admitted without the validator", async () => {
    const admitted: unknown[] = [];
    const onAdmitted = (message: unknown) => admitted.push(message);
    const transport = createConnectTransport({ baseUrl: service.url, httpVersion: "1.1" });
    const client = createClient(PartnerService, transport);
    const headers = callHeaders(await service.issuer.token());
    subscribe("fast-validation.admitted", onAdmitted);
    await client.createPartner(partnerRequest(), { headers });
    unsubscribe("fast-validation.admitted", onAdmitted);
    expect(admitted).toEqual([{ message: "partner.v1.CreatePartnerRequest" }]);
  });

  describe.each(Object.entries(protocols))("over %s", (_name, createTransport) => {
    const client = () => createClient(PartnerService, createTransport(service.url));

    test.each(failingCalls)(
      "refuses a call $name",
      async ({ headers, claims, request, failure }) => {
        const token = await service.issuer.token(claims);
        const call = client().createPartner(partnerRequest(request), {
          headers: callHeaders(token, headers),
        });
        expect(await failureOf(call)).toEqual(failure);
      },
    );
  });
});
