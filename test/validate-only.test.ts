import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConnectionRole } from "../gen/partner/v1/partner_service_pb.ts";
import { bookClient, connect, createPartner, newBook } from "./support/book.ts";
import { databaseKinds } from "./support/databases.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

const validateOnly = true;

describe.each(databaseKinds)("validate_only on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  test.each(Object.entries(protocols))(
    "answers a create as it would be, and stores nothing, over %s",
    async (_name, transport) => {
      const { client, organization } = await newBook(service, transport);
      const request = partnerRequest({ externalId: "1", requestId: randomUUID() });
      const { partner } = await client.createPartner({ ...request, validateOnly });
      const { $typeName: _, requestId: _id, validateOnly: _only, ...fields } = request;
      expect(partner).toMatchObject({ ...fields, organizationId: organization, etag: "r1" });
      const batch = await client.batchCreatePartners({ requests: [request], validateOnly });
      expect(batch.partners).toMatchObject([fields]);
      expect((await client.listPartners({})).partners).toEqual([]);
      const broken = client.createPartner({ ...request, city: "", validateOnly });
      expect(await failureOf(broken)).toMatchObject({ violations: ["city: required"] });

      const stored = await client.createPartner(request);
      // The same request again is answered, another one for the same external id refused.
      expect(await client.createPartner({ ...request, validateOnly })).toEqual(stored);
      const other = { ...request, requestId: randomUUID(), validateOnly };
      expect(await failureOf(client.createPartner(other))).toEqual({
        code: "AlreadyExists",
        reason: "EXTERNAL_ID_TAKEN",
        metadata: { external_id: "1", partner_id: stored.partner?.id },
      });
      expect((await client.listPartners({})).partners).toEqual([stored.partner]);
    },
  );

  test("checks every other write, and changes nothing", async () => {
    const host = await newBook(service);
    const guest = await newBook(service);
    const partner = await createPartner(host.client, { externalId: "1" });
    const { id, etag } = partner;
    const unchanged = async () =>
      expect((await host.client.getPartner({ id })).partner).toEqual(partner);

    const update = { partner: { id, city: "Boston", etag }, validateOnly };
    expect((await host.client.updatePartner(update)).partner).toMatchObject({
      ...{ id, city: "Boston", etag: "r2" },
    });
    await unchanged();
    await createPartner(host.client, { externalId: "2" });
    const take = host.client.updatePartner({ partner: { id, externalId: "2" }, validateOnly });
    expect(await failureOf(take)).toMatchObject({ reason: "EXTERNAL_ID_TAKEN" });
    const stale = host.client.deletePartner({ id, etag: "r9", validateOnly });
    expect(await failureOf(stale)).toMatchObject({ reason: "ETAG_MISMATCH" });
    await host.client.deletePartner({ id, validateOnly });
    await unchanged();

    const invited = await host.client.invitePartner({ id, validateOnly });
    expect(invited.invitationToken).toBe("");
    expect(invited.partner?.invitationExpiresAt).toEqual(invited.expiresAt);
    await unchanged();
    const revoke = host.client.revokeInvitation({ id, validateOnly });
    expect(await failureOf(revoke)).toMatchObject({ reason: "INVITATION_NOT_PENDING" });

    const { invitationToken } = await host.client.invitePartner({ id });
    await host.client.revokeInvitation({ id, validateOnly });
    const asGuest = await bookClient(service, guest.organization, host.organization);
    const accepted = await asGuest.acceptInvitation({ invitationToken, validateOnly });
    expect(accepted.partner?.guestOrganizationId).toBe(guest.organization);
    const unknown = asGuest.acceptInvitation({ invitationToken: "x", validateOnly });
    expect(await failureOf(unknown)).toMatchObject({ reason: "INVITATION_INVALID" });
    expect((await host.client.listConnections({})).connections).toEqual([]);

    const connected = await connect(service, host, guest.organization);
    const end = { organizationId: guest.organization, role: ConnectionRole.HOST, validateOnly };
    await host.client.endConnection(end);
    expect((await host.client.getPartner({ id: connected.partner.id })).partner).toEqual(
      connected.partner,
    );
    const nobody = host.client.endConnection({ ...end, organizationId: randomUUID() });
    expect(await failureOf(nobody)).toMatchObject({ reason: "CONNECTION_NOT_FOUND" });
  });

  test("leaves the book to others meanwhile", async () => {
    const { client } = await newBook(service);
    const { id } = await createPartner(client);
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await client.updatePartner({ partner: { id, city: `No. ${index}` }, validateOnly });
        await client.createPartner({ ...partnerRequest(), validateOnly });
        await createPartner(client);
      }),
    );
    const { totalSize } = await client.listPartners({ includeTotalSize: true });
    expect(totalSize).toBe(21);
    expect((await client.getPartner({ id })).partner?.etag).toBe("r1");
  });
});
