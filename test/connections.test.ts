import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InvitationStatus, PartnerType } from "../gen/partner/v1/partner_pb.ts";
import { ConnectionRole } from "../gen/partner/v1/partner_service_pb.ts";
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

const { HOST, GUEST } = ConnectionRole;
const { CUSTOMER, SUPPLIER } = PartnerType;

/** What a caller of a later version of the contract might send. */
const unknownRole = 3 as ConnectionRole;

const notAllowed = { code: "PermissionDenied", reason: "SCENARIO_NOT_ALLOWED" };
const notConnected = { code: "NotFound", reason: "CONNECTION_NOT_FOUND" };
const notPending = { code: "FailedPrecondition", reason: "INVITATION_NOT_PENDING" };
const invalidInvitation = { code: "FailedPrecondition", reason: "INVITATION_INVALID" };
const notFound = { code: "NotFound", reason: "PARTNER_NOT_FOUND" };
const invalid = (...violations: string[]) => ({
  code: "InvalidArgument",
  reason: "FIELD_INVALID",
  violations,
});

/** All connections that the client lists, in pages of the size. */
async function connectionsOf(
  client: BookClient,
  role: ConnectionRole = ConnectionRole.UNSPECIFIED,
  pageSize = 100,
) {
  const connections = [];
  let pageToken = "";
  do {
    const page = await client.listConnections({ role, pageSize, pageToken });
    connections.push(...page.connections);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return connections;
}

describe.each(databaseKinds)("Connections on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  describe.each(Object.entries(protocols))("over %s", (_name, create) => {
    test("are seen by both sides, and the partner's id by the host alone", async () => {
      const [host, guest] = [await newBook(service, create), await newBook(service, create)];
      const { partner: customer } = await connect(service, host, guest.organization);
      const { partner: supplier } = await connect(service, host, guest.organization, {
        partnerType: SUPPLIER,
      });
      const partners = [
        { partnerType: CUSTOMER, connectedAt: customer.connectedAt, id: customer.id },
        { partnerType: SUPPLIER, connectedAt: supplier.connectedAt, id: supplier.id },
      ];
      const { connectedAt } = customer;
      expect(connectedAt).toEqual(customer.updatedAt);
      expect(await host.client.listConnections({})).toMatchObject({
        connections: [{ organizationId: guest.organization, role: HOST, connectedAt, partners }],
        nextPageToken: "",
      });
      const seenByGuest = await connectionsOf(guest.client);
      expect(seenByGuest).toMatchObject([
        {
          ...{ organizationId: host.organization, role: GUEST, connectedAt },
          partners: partners.map(({ id, ...partner }) => partner),
        },
      ]);
      expect(seenByGuest[0]?.partners.map(({ id }) => id)).toEqual([undefined, undefined]);
      const stranger = await newBook(service, create);
      expect(await connectionsOf(stranger.client)).toEqual([]);
    });

    test.each([
      ["host", HOST],
      ["guest", GUEST],
    ] as const)("are ended by the %s: at the next call nothing is read", async (side, role) => {
      const [host, guest] = [await newBook(service, create), await newBook(service, create)];
      const { partner } = await connect(service, host, guest.organization);
      const theirs = await createPartner(guest.client);
      const reader = await bookClient(service, host.organization, guest.organization, create);
      expect((await reader.listPartners({})).partners).toEqual([theirs]);

      const [own, other] = side === "host" ? [host, guest] : [guest, host];
      const connection = { organizationId: other.organization, role };
      await own.client.endConnection(connection);
      expect(await failureOf(reader.listPartners({}))).toEqual(notAllowed);
      expect(await failureOf(reader.getPartner({ id: theirs.id }))).toEqual(notAllowed);
      expect(await connectionsOf(host.client)).toEqual([]);
      expect(await connectionsOf(guest.client)).toEqual([]);
      expect(await failureOf(own.client.endConnection(connection))).toEqual(notConnected);

      // The host's partner is what it was before it accepted; the guest's own book is untouched.
      const { guestOrganizationId, connectedAt, ...rest } = partner;
      const { partner: left } = await host.client.getPartner({ id: partner.id });
      expect(left).toEqual({
        ...rest,
        invitationStatus: InvitationStatus.INVITED,
        updatedAt: left?.updatedAt,
        etag: "r4",
      });
      expect(left?.updatedAt).not.toEqual(partner.updatedAt);
      expect((await guest.client.listPartners({})).partners).toEqual([theirs]);
    });

    test("that are not there cannot be ended, nor in the other role", async () => {
      const [host, guest] = [await newBook(service, create), await newBook(service, create)];
      await connect(service, host, guest.organization);
      const attempts = [
        host.client.endConnection({ organizationId: guest.organization, role: GUEST }),
        guest.client.endConnection({ organizationId: host.organization, role: HOST }),
        guest.client.endConnection({ organizationId: randomUUID(), role: GUEST }),
        guest.client.endConnection({ organizationId: guest.organization, role: GUEST }),
      ];
      const failures = await Promise.all(attempts.map((attempt) => failureOf(attempt)));
      expect(failures).toEqual(attempts.map(() => notConnected));
      expect(await connectionsOf(host.client)).toHaveLength(1);
    });

    test("refuse what the contract's rules refuse", async () => {
      const { client } = await newBook(service, create);
      const other = randomUUID();
      expect(await failureOf(client.endConnection({ organizationId: "x", role: GUEST }))).toEqual(
        invalid("organization_id: string.uuid"),
      );
      expect(await failureOf(client.endConnection({ organizationId: other }))).toEqual(
        invalid("role: required"),
      );
      expect(
        await failureOf(client.endConnection({ organizationId: other, role: unknownRole })),
      ).toEqual(invalid("role: enum.defined_only"));
      expect(await failureOf(client.listConnections({ pageSize: -1 }))).toEqual(
        invalid("page_size: int32.gte"),
      );
      expect(await failureOf(client.listConnections({ pageToken: "x" }))).toEqual(
        invalid("page_token: page_token"),
      );
    });

    test("begin with an invitation that its guest looks at first", async () => {
      const host = await newBook(service, create);
      const { id } = await createPartner(host.client, { partnerType: SUPPLIER });
      const { invitationToken, expiresAt } = await host.client.invitePartner({ id });
      const guest = await bookClient(service, randomUUID(), host.organization, create);
      const before = await host.client.getPartner({ id });
      expect(await guest.getInvitation({ invitationToken })).toMatchObject({
        hostOrganizationId: host.organization,
        partnerType: SUPPLIER,
        expiresAt,
        openedRpcs: [
          "partner.v1.PartnerService.GetPartner",
          "partner.v1.PartnerService.ListPartners",
          "partner.v1.PartnerService.ListPartnerChanges",
          "partner.v1.PartnerService.WatchPartnerChanges",
        ],
      });
      expect(await host.client.getPartner({ id })).toEqual(before);
      await guest.acceptInvitation({ invitationToken });
    });

    test("cannot begin with an invitation that has been revoked", async () => {
      const host = await newBook(service, create);
      const { id } = await createPartner(host.client);
      expect(await failureOf(host.client.revokeInvitation({ id }))).toEqual(notPending);
      const { invitationToken, partner: invited } = await host.client.invitePartner({ id });
      const { partner } = await host.client.revokeInvitation({ id });
      expect(partner).toEqual({
        ...invited,
        invitationExpiresAt: undefined,
        updatedAt: partner?.updatedAt,
        etag: "r3",
      });
      expect((await host.client.getPartner({ id })).partner).toEqual(partner);
      expect(await failureOf(host.client.revokeInvitation({ id }))).toEqual(notPending);
      const guest = await bookClient(service, randomUUID(), host.organization, create);
      expect(await failureOf(guest.getInvitation({ invitationToken }))).toEqual(invalidInvitation);
      expect(await failureOf(guest.acceptInvitation({ invitationToken }))).toEqual(
        invalidInvitation,
      );
    });
  });

  test("are listed page by page, in either role or in one", async () => {
    const own = await newBook(service);
    const others = await Promise.all(Array.from({ length: 5 }, () => newBook(service)));
    for (const other of others) {
      await connect(service, own, other.organization);
      await connect(service, own, other.organization, { partnerType: SUPPLIER });
    }
    for (const other of others.slice(0, 3)) {
      await connect(service, other, own.organization);
    }
    const ids = (some: typeof others) => some.map(({ organization }) => organization).sort();
    const asHost = ids(others).map((id) => [HOST, id]);
    const asGuest = ids(others.slice(0, 3)).map((id) => [GUEST, id]);
    for (const pageSize of [1, 2, 3, 5, 8, 1000]) {
      const listed = async (role?: ConnectionRole) =>
        (await connectionsOf(own.client, role, pageSize)).map((each) => [
          each.role,
          each.organizationId,
        ]);
      expect(await listed()).toEqual([...asHost, ...asGuest]);
      expect(await listed(HOST)).toEqual(asHost);
      expect(await listed(GUEST)).toEqual(asGuest);
    }
    const { nextPageToken: pageToken } = await own.client.listConnections({ pageSize: 1 });
    const theft = others[0]?.client.listConnections({ pageToken });
    expect(await failureOf(theft ?? Promise.resolve())).toEqual(invalid("page_token: page_token"));
  });

  test("are two where each organization has accepted the other's invitation", async () => {
    const [one, other] = [await newBook(service), await newBook(service)];
    await connect(service, one, other.organization);
    await connect(service, other, one.organization);
    await one.client.endConnection({ organizationId: other.organization, role: GUEST });
    expect(await connectionsOf(one.client)).toMatchObject([{ role: HOST }]);
    expect(await connectionsOf(other.client)).toMatchObject([{ role: GUEST }]);
    const reader = await bookClient(service, one.organization, other.organization);
    expect((await reader.listPartners({})).partners).toHaveLength(1);
    const refused = await bookClient(service, other.organization, one.organization);
    expect(await failureOf(refused.listPartners({}))).toEqual(notAllowed);
  });

  test("that have ended begin again with a new invitation, and not with the old one", async () => {
    const [host, guest] = [await newBook(service), await newBook(service)];
    const { id } = await createPartner(host.client);
    const { invitationToken } = await host.client.invitePartner({ id });
    const accept = (token: string) =>
      acceptInvitation(service, guest.organization, host.organization, token);
    await accept(invitationToken);
    await guest.client.endConnection({ organizationId: host.organization, role: GUEST });
    expect(await failureOf(accept(invitationToken))).toEqual(invalidInvitation);
    const again = await host.client.invitePartner({ id });
    expect((await accept(again.invitationToken)).partner?.guestOrganizationId).toBe(
      guest.organization,
    );
  });

  test("show no invitation that could not be accepted", async () => {
    const [host, guest] = [await newBook(service), await newBook(service)];
    await connect(service, host, guest.organization);
    const client = await bookClient(service, guest.organization, host.organization);
    const stranger = await bookClient(service, randomUUID(), host.organization);
    // As a second customer of the same host.
    const { id } = await createPartner(host.client);
    const { invitationToken } = await host.client.invitePartner({ id });
    expect(await failureOf(client.getInvitation({ invitationToken }))).toEqual(invalidInvitation);
    expect(await stranger.getInvitation({ invitationToken })).toMatchObject({
      partnerType: CUSTOMER,
    });
    await service.execute(`update partner set invitation_expires_at = now() where id = '${id}'`);
    expect(await failureOf(stranger.getInvitation({ invitationToken }))).toEqual(invalidInvitation);
    expect((await host.client.getPartner({ id })).partner?.invitationExpiresAt).toBeUndefined();
    expect(await failureOf(host.client.revokeInvitation({ id }))).toEqual(notPending);

    const { invitationToken: used } = await host.client.invitePartner({ id });
    await stranger.acceptInvitation({ invitationToken: used });
    expect(await failureOf(stranger.getInvitation({ invitationToken: used }))).toEqual(
      invalidInvitation,
    );
    expect(await failureOf(host.client.revokeInvitation({ id }))).toEqual(notPending);
    for (const unknown of ["x", "💥", `${used}=`]) {
      const call = stranger.getInvitation({ invitationToken: unknown });
      expect(await failureOf(call)).toEqual(invalidInvitation);
    }
  });

  test("have no invitation to revoke for unknown, deleted or foreign partners", async () => {
    const [own, other] = [await newBook(service), await newBook(service)];
    const { id: foreign } = await createPartner(other.client);
    await other.client.invitePartner({ id: foreign });
    const { id: deleted } = await createPartner(own.client);
    await own.client.invitePartner({ id: deleted });
    await own.client.deletePartner({ id: deleted });
    for (const id of [randomUUID(), foreign, deleted]) {
      expect(await failureOf(own.client.revokeInvitation({ id }))).toEqual(notFound);
    }
  });

  /** What both sides see in the end: whether they are connected, in one voice. */
  async function agreedOutcome(
    host: Awaited<ReturnType<typeof newBook>>,
    guest: Awaited<ReturnType<typeof newBook>>,
  ): Promise<"connected" | "apart"> {
    const reader = await bookClient(service, host.organization, guest.organization);
    const [asHost, asGuest, read] = await Promise.all([
      connectionsOf(host.client),
      connectionsOf(guest.client),
      reader.listPartners({}).then(
        () => true,
        () => false,
      ),
    ]);
    const { partners } = await host.client.listPartners({});
    const accepted = partners.filter(
      ({ guestOrganizationId }) => guestOrganizationId === guest.organization,
    );
    const views = [asHost.length > 0, asGuest.length > 0, read, accepted.length > 0];
    expect(views).toEqual(views.map(() => views[0]));
    return views[0] ? "connected" : "apart";
  }

  /** Runs the race over each protocol, and returns which outcomes it had. */
  async function race(
    calls: (
      host: Awaited<ReturnType<typeof newBook>>,
      guest: Awaited<ReturnType<typeof newBook>>,
      partner: { id: string; etag: string },
      accept: () => Promise<unknown>,
    ) => readonly Promise<unknown>[],
    connected: boolean,
  ) {
    const outcomes = [];
    for (const create of Object.values(protocols)) {
      const [host, guest] = [await newBook(service, create), await newBook(service, create)];
      const { id } = await createPartner(host.client);
      const { invitationToken } = await host.client.invitePartner({ id });
      const asGuest = await bookClient(service, guest.organization, host.organization, create);
      const accept = () => asGuest.acceptInvitation({ invitationToken });
      if (connected) {
        await accept();
      }
      const { partner = { id, etag: "" } } = await host.client.getPartner({ id });
      const settled = await Promise.allSettled(calls(host, guest, partner, accept));
      const results = await Promise.all(
        settled.map(async (each) =>
          each.status === "fulfilled"
            ? "ok"
            : (await failureOf(Promise.reject(each.reason))).reason,
        ),
      );
      outcomes.push({ results, state: await agreedOutcome(host, guest) });
    }
    return outcomes;
  }

  const end = (
    [host, guest]: readonly Awaited<ReturnType<typeof newBook>>[],
    role: ConnectionRole,
  ) =>
    role === HOST
      ? host?.client.endConnection({ organizationId: guest?.organization ?? "", role })
      : guest?.client.endConnection({ organizationId: host?.organization ?? "", role });

  test("that both sides end at once are ended by one of them", async () => {
    for (const { results, state } of await race(
      (host, guest) => [
        Promise.resolve(end([host, guest], HOST)),
        Promise.resolve(end([host, guest], GUEST)),
      ],
      true,
    )) {
      expect(results.toSorted()).toEqual(["CONNECTION_NOT_FOUND", "ok"]);
      expect(state).toBe("apart");
    }
  });

  test("that end while the invitation is accepted are as the last of the two left them", async () => {
    for (const { results, state } of await race(
      (host, guest, _partner, accept) => [accept(), Promise.resolve(end([host, guest], GUEST))],
      false,
    )) {
      expect(results[0]).toBe("ok");
      expect(state).toBe(results[1] === "ok" ? "apart" : "connected");
    }
  });

  test("that end while the acceptance is repeated stay ended", async () => {
    for (const { results, state } of await race(
      (host, guest, _partner, accept) => [accept(), Promise.resolve(end([host, guest], HOST))],
      true,
    )) {
      expect(["ok", "INVITATION_INVALID"]).toContain(results[0]);
      expect(results[1]).toBe("ok");
      expect(state).toBe("apart");
    }
  });

  test("that end while the partner is deleted are over, and the partner is gone", async () => {
    for (const { results, state } of await race(
      (host, guest, { id }) => [
        host.client.deletePartner({ id }),
        Promise.resolve(end([host, guest], GUEST)),
      ],
      true,
    )) {
      expect(results[0]).toBe("ok");
      expect(["ok", "CONNECTION_NOT_FOUND"]).toContain(results[1]);
      expect(state).toBe("apart");
    }
  });

  test.each([
    ["with an etag", ["ok", "ETAG_MISMATCH"]],
    ["without an etag", ["ok"]],
  ])(
    "that end while the partner is updated %s end, and one of the two orders holds",
    async (how, updates) => {
      for (const { results, state } of await race((host, guest, { id, etag }) => {
        const partner = { id, city: "Boston", ...(how === "with an etag" ? { etag } : {}) };
        return [host.client.updatePartner({ partner }), Promise.resolve(end([host, guest], GUEST))];
      }, true)) {
        expect(updates).toContain(results[0]);
        expect(results[1]).toBe("ok");
        expect(state).toBe("apart");
      }
    },
  );

  test("do not begin where the invitation is revoked at once, or the revocation fails", async () => {
    for (const { results, state } of await race(
      (host, _guest, { id }, accept) => [accept(), host.client.revokeInvitation({ id })],
      false,
    )) {
      expect([
        ["ok", "INVITATION_NOT_PENDING", "connected"],
        ["INVITATION_INVALID", "ok", "apart"],
      ]).toContainEqual([...results, state]);
    }
  });
});
