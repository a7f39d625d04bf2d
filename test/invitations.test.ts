import { createHash, randomUUID } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InvitationStatus, PartnerType } from "../gen/partner/v1/partner_pb.ts";
import {
  acceptInvitation,
  type BookClient,
  bookClient,
  connect,
  createPartner,
  newBook,
} from "./support/book.ts";
import { databaseKinds } from "./support/databases.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { startTestService, type TestService } from "./support/service.ts";

const invalidInvitation = { code: "FailedPrecondition", reason: "INVITATION_INVALID" };
const notAllowed = { code: "PermissionDenied", reason: "SCENARIO_NOT_ALLOWED" };
const notFound = { code: "NotFound", reason: "PARTNER_NOT_FOUND" };

describe.each(databaseKinds)("Invitations on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  async function invite(client: BookClient, id: string): Promise<string> {
    return (await client.invitePartner({ id })).invitationToken;
  }

  const accept = (guest: string, host: string, token: string) =>
    acceptInvitation(service, guest, host, token);

  describe.each(Object.entries(protocols))("over %s", (_name, create) => {
    test("are issued, accepted and accepted again", async () => {
      const host = await newBook(service, create);
      const guest = randomUUID();
      const created = await createPartner(host.client);
      const issued = await host.client.invitePartner({ id: created.id });
      expect(issued.partner).toEqual({
        ...created,
        invitationExpiresAt: issued.expiresAt,
        etag: "r2",
        updatedAt: issued.partner?.updatedAt,
      });
      expect(issued.partner?.updatedAt).not.toEqual(created.updatedAt);
      expect(Buffer.from(issued.invitationToken, "base64url")).toHaveLength(48);

      const guestClient = await bookClient(service, guest, host.organization, create);
      const { invitationToken } = issued;
      const { partner } = await guestClient.acceptInvitation({ invitationToken });
      expect(partner).toEqual({
        ...created,
        invitationStatus: InvitationStatus.ACCEPTED,
        guestOrganizationId: guest,
        etag: "r3",
        updatedAt: partner?.updatedAt,
        connectedAt: partner?.updatedAt,
      });
      expect(partner?.updatedAt).not.toEqual(issued.partner?.updatedAt);
      expect((await host.client.getPartner({ id: created.id })).partner).toEqual(partner);
      const accepted = { invitationStatuses: [InvitationStatus.ACCEPTED] };
      expect((await host.client.listPartners({ filters: accepted })).partners).toEqual([partner]);
      const again = await guestClient.acceptInvitation({ invitationToken });
      expect(again.partner).toEqual(partner);
    });

    test("that are wrong have one and the same answer", async () => {
      const host = await newBook(service, create);
      const { id } = await createPartner(host.client);
      const token = await invite(host.client, id);
      const altered = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
      const client = await bookClient(service, randomUUID(), host.organization, create);
      for (const invitationToken of [altered, token.slice(1), `${token}=`, "x", "💥", "\u0000"]) {
        const call = client.acceptInvitation({ invitationToken });
        expect(await failureOf(call)).toEqual(invalidInvitation);
      }
    });
  });

  test.each([
    [undefined, 30 * 24 * 3600],
    [{ seconds: 3600n }, 3600],
    [{ seconds: 90n * 24n * 3600n }, 90 * 24 * 3600],
  ])("with the time to live %o expire that much later", async (timeToLive, seconds) => {
    const { client } = await newBook(service);
    const { id } = await createPartner(client);
    const before = Date.now();
    const request = timeToLive === undefined ? { id } : { id, timeToLive };
    const { expiresAt } = await client.invitePartner(request);
    const after = Date.now();
    const expiry = expiresAt === undefined ? 0 : timestampMs(expiresAt);
    expect(expiry).toBeGreaterThanOrEqual(before + seconds * 1000);
    expect(expiry).toBeLessThanOrEqual(after + seconds * 1000);
  });

  test.each([
    { seconds: 3599n, nanos: 999_999_999 },
    { seconds: 90n * 24n * 3600n, nanos: 1 },
    { seconds: -1n },
  ])("are refused for a time to live of %o", async (timeToLive) => {
    const { client } = await newBook(service);
    const { id } = await createPartner(client);
    expect(await failureOf(client.invitePartner({ id, timeToLive }))).toEqual({
      code: "InvalidArgument",
      reason: "FIELD_INVALID",
      violations: ["time_to_live: duration.gte_lte"],
    });
  });

  test("are not issued for unknown, deleted, foreign or accepted partners", async () => {
    const { client } = await newBook(service);
    const other = await newBook(service);
    const { id: foreign } = await createPartner(other.client);
    const { id: deleted } = await createPartner(client);
    await client.deletePartner({ id: deleted });
    for (const id of [randomUUID(), foreign, deleted]) {
      expect(await failureOf(client.invitePartner({ id }))).toEqual(notFound);
    }
    const { partner } = await connect(service, other, randomUUID());
    const call = other.client.invitePartner({ id: partner.id });
    expect(await failureOf(call)).toEqual({
      code: "FailedPrecondition",
      reason: "PARTNER_ALREADY_ACCEPTED",
    });
  });

  test("cannot be accepted once replaced, expired, used by another or deleted", async () => {
    const { organization: host, client } = await newBook(service);
    const { id } = await createPartner(client);
    const replaced = await invite(client, id);
    const current = await invite(client, id);
    expect(await failureOf(accept(randomUUID(), host, replaced))).toEqual(invalidInvitation);

    await service.execute(`update partner set invitation_expires_at = now() where id = '${id}'`);
    expect(await failureOf(accept(randomUUID(), host, current))).toEqual(invalidInvitation);

    const fresh = await invite(client, id);
    const guest = randomUUID();
    await accept(guest, host, fresh);
    expect(await failureOf(accept(randomUUID(), host, fresh))).toEqual(invalidInvitation);

    // What was accepted in time may be repeated after the expiry.
    await service.execute(`update partner set invitation_expires_at = now() where id = '${id}'`);
    expect((await accept(guest, host, fresh)).partner?.guestOrganizationId).toBe(guest);

    await client.deletePartner({ id });
    expect(await failureOf(accept(guest, host, fresh))).toEqual(invalidInvitation);
  });

  test("are good for the book that issued them only, and not for its own organization", async () => {
    const [host, other] = [await newBook(service), await newBook(service)];
    const { id } = await createPartner(host.client);
    const token = await invite(host.client, id);
    const wrongBook = accept(randomUUID(), other.organization, token);
    expect(await failureOf(wrongBook)).toEqual(invalidInvitation);
    const own = accept(host.organization, host.organization, token);
    expect(await failureOf(own)).toEqual(notAllowed);
  });

  test("make no organization the guest of two partners of one type", async () => {
    const host = await newBook(service);
    const guest = randomUUID();
    const { partner: customer } = await connect(service, host, guest);
    const { id } = await createPartner(host.client);
    const second = accept(guest, host.organization, await invite(host.client, id));
    expect(await failureOf(second)).toEqual(invalidInvitation);

    const { partner: supplier } = await connect(service, host, guest, {
      partnerType: PartnerType.SUPPLIER,
    });
    expect(supplier.guestOrganizationId).toBe(customer.guestOrganizationId);
    const change = host.client.updatePartner({
      partner: { id: supplier.id, partnerType: PartnerType.CUSTOMER },
    });
    expect(await failureOf(change)).toEqual({
      code: "AlreadyExists",
      reason: "GUEST_ALREADY_CONNECTED",
    });
    // Once the first one is gone, there is room.
    await host.client.deletePartner({ id: customer.id });
    const { partner } = await host.client.updatePartner({
      partner: { id: supplier.id, partnerType: PartnerType.CUSTOMER },
    });
    expect(partner?.partnerType).toBe(PartnerType.CUSTOMER);
  });

  test("are won by one of many guests that race", async () => {
    const { organization: host, client } = await newBook(service);
    const { id } = await createPartner(client);
    const token = await invite(client, id);
    const guests = Array.from({ length: 8 }, () => randomUUID());
    const outcomes = await Promise.allSettled(guests.map((guest) => accept(guest, host, token)));
    const winners = outcomes.flatMap((outcome) =>
      outcome.status === "fulfilled" ? [outcome.value.partner] : [],
    );
    expect(winners).toEqual([(await client.getPartner({ id })).partner]);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        expect(await failureOf(Promise.reject(outcome.reason))).toEqual(invalidInvitation);
      }
    }
  });

  test("have one answer for one guest that accepts many times at once", async () => {
    const { organization: host, client } = await newBook(service);
    const { id } = await createPartner(client);
    const token = await invite(client, id);
    const guest = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => (await accept(guest, host, token)).partner),
    );
    const { partner } = await client.getPartner({ id });
    expect(answers).toEqual(answers.map(() => partner));
    expect(partner?.etag).toBe("r3");
  });

  test("race with a delete, and leave no connection in either order", async () => {
    for (let round = 0; round < 10; round += 1) {
      const { organization: host, client } = await newBook(service);
      const { id } = await createPartner(client);
      const token = await invite(client, id);
      const guest = randomUUID();
      const [accepted, deleted] = await Promise.allSettled([
        accept(guest, host, token),
        client.deletePartner({ id }),
      ]);
      expect(deleted.status).toBe("fulfilled");
      if (accepted.status === "rejected") {
        expect(await failureOf(Promise.reject(accepted.reason))).toEqual(invalidInvitation);
      }
      const hostClient = await bookClient(service, host, guest);
      expect(await failureOf(hostClient.listPartners({}))).toEqual(notAllowed);
    }
  });

  test("reach neither the database nor the log as tokens", async () => {
    const { organization: host, client } = await newBook(service);
    const { id } = await createPartner(client);
    const token = await invite(client, id);
    await accept(randomUUID(), host, token);
    const hash = createHash("sha256").update(token).digest("hex");
    // The division by zero fails the statement if the row is not as expected.
    await service.execute(
      `select 1 / count(*) from partner p where id = '${id}'
        and invitation_token_hash = '${hash}' and position('${token}' in p::text) = 0`,
    );
    expect(JSON.stringify(service.log)).not.toContain(token);
  });

  describe("connect two organizations", () => {
    test("so that the host reads the guest's book, and nobody writes into the other's", async () => {
      const [host, guest] = [await newBook(service), await newBook(service)];
      const theirs = await createPartner(guest.client);
      const hostInGuest = await bookClient(service, host.organization, guest.organization);
      const guestInHost = await bookClient(service, guest.organization, host.organization);
      expect(await failureOf(hostInGuest.listPartners({}))).toEqual(notAllowed);

      const { partner } = await connect(service, host, guest.organization);
      expect((await hostInGuest.listPartners({})).partners).toEqual([theirs]);
      expect((await hostInGuest.getPartner({ id: theirs.id })).partner).toEqual(theirs);
      // The host sees the guest's book there, not its own.
      expect(await failureOf(hostInGuest.getPartner({ id: partner.id }))).toEqual(notFound);
      const failures = await Promise.all(
        [
          hostInGuest.deletePartner({ id: theirs.id }),
          hostInGuest.updatePartner({ partner: { id: theirs.id, city: "Boston" } }),
          guestInHost.listPartners({}),
          guestInHost.getPartner({ id: partner.id }),
          guestInHost.deletePartner({ id: partner.id }),
        ].map((call) => failureOf(call)),
      );
      expect(failures).toEqual(failures.map(() => notAllowed));
    });

    test("until the partner is deleted: the very next call is refused", async () => {
      const [host, guest] = [await newBook(service), await newBook(service)];
      const { partner } = await connect(service, host, guest.organization);
      const hostInGuest = await bookClient(service, host.organization, guest.organization);
      expect((await hostInGuest.listPartners({})).partners).toEqual([]);
      await host.client.deletePartner({ id: partner.id });
      expect(await failureOf(hostInGuest.listPartners({}))).toEqual(notAllowed);
    });
  });
});
