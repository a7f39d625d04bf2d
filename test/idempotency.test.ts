import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { callHeaders } from "./support/call-cases.ts";
import { databaseKinds } from "./support/databases.ts";
import { acme, globex } from "./support/organizations.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { type PartnerChanges, partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

describe.each(databaseKinds)("request_id on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  /** Calls over each protocol at once, and returns the partners in the order of the protocols. */
  async function createOverAll(changes: PartnerChanges, organization = acme) {
    const token = await service.issuer.token({ org_id: organization });
    const headers = callHeaders(token, {
      "Requester-Organization-ID": organization,
      "Target-Organization-ID": organization,
    });
    return await Promise.all(
      Object.values(protocols).map(async (createTransport) => {
        const client = createClient(PartnerService, createTransport(service.url));
        return (await client.createPartner(partnerRequest(changes), { headers })).partner;
      }),
    );
  }

  test("calls that race with one id and one content all answer with the same partner", async () => {
    const requestId = crypto.randomUUID();
    const partners = await createOverAll({ requestId });
    expect(new Set(partners.map((partner) => partner?.id)).size).toBe(1);
    expect(partners).toEqual(partners.map(() => partners[0]));
  });

  test("the id is the same in upper case", async () => {
    const requestId = crypto.randomUUID();
    const [lower] = await createOverAll({ requestId });
    const [upper] = await createOverAll({ requestId: requestId.toUpperCase() });
    expect(upper).toEqual(lower);
  });

  test.each(Object.entries(protocols))(
    "other content is refused over %s",
    async (_name, create) => {
      const requestId = crypto.randomUUID();
      await createOverAll({ requestId });
      const headers = callHeaders(await service.issuer.token());
      const client = createClient(PartnerService, create(service.url));
      for (const changes of [{ city: "Boston" }, { salesAmount: 0 }, { countryCode: undefined }]) {
        const call = client.createPartner(partnerRequest({ requestId, ...changes }), { headers });
        expect(await failureOf(call)).toEqual({
          code: "AlreadyExists",
          reason: "REQUEST_ID_REUSED",
          metadata: { request_id: requestId, cause: "OTHER_CONTENT" },
        });
      }
    },
  );

  test("another organization's same id is independent", async () => {
    const requestId = crypto.randomUUID();
    const [ours] = await createOverAll({ requestId });
    const [theirs] = await createOverAll({ requestId, city: "Boston" }, globex);
    expect(theirs?.id).not.toBe(ours?.id);
    expect(theirs?.organizationId).toBe(globex);
  });

  test("calls without an id each create a partner", async () => {
    const partners = await createOverAll({});
    expect(new Set(partners.map((partner) => partner?.id)).size).toBe(partners.length);
  });
});
