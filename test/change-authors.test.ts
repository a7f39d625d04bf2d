import { randomUUID } from "node:crypto";
import { createOrm, migrate, query } from "@partner-service/postgres-statements";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConnectionRole, type PartnerChange } from "../gen/partner/v1/partner_service_pb.ts";
import { schema } from "../src/database/open-database.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import {
  acceptInvitation,
  type BookClient,
  bookClient,
  connect,
  createPartner,
} from "./support/book.ts";
import { createTestDatabase, databaseKinds } from "./support/databases.ts";
import { createFollower, tell } from "./support/follower.ts";
import { newPartner } from "./support/partners.ts";
import { protocols } from "./support/protocols.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

/** What a change says, and who made it: a subject, an organization's id, or nobody. */
function tellWithAuthor(change: PartnerChange): string {
  const { case: kind = "nobody", value = "" } = change.author?.author ?? {};
  return `${tell(change)} by ${kind} ${value}`.trimEnd();
}

/** Follows a book, and answers what it is told of from one step to the next. */
function createWitness(client: BookClient) {
  const follower = createFollower(client);
  return async (...expected: readonly string[]): Promise<readonly string[]> => {
    const names = expected.map((line) => line.replace(/ by .*/, ""));
    const changes = await follower.until((came) =>
      names.every((name) => came.some((change) => tell(change) === name)),
    );
    return changes.map(tellWithAuthor);
  };
}

describe.each(databaseKinds)("The author of a change on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  /** The service, reached with tokens of the subject. */
  const as = (subject: string) => ({
    url: service.url,
    issuer: {
      ...service.issuer,
      token: (claims: Record<string, unknown>) => service.issuer.token({ ...claims, sub: subject }),
    },
  });

  /** A book with a witness of its own organization, and clients by the subject. */
  async function openBook() {
    const organization = randomUUID();
    const by = (subject: string) => bookClient(as(subject), organization);
    return { organization, by, witness: createWitness(await by("witness")) };
  }

  test.each(Object.entries(protocols))(
    "is the subject of who created, changed or deleted the partner, over %s",
    async (_name, createTransport) => {
      const organization = randomUUID();
      const by = (subject: string) =>
        bookClient(as(subject), organization, organization, createTransport);
      const witness = createWitness(await by("witness"));
      const step = async (line: string) => expect(await witness(line)).toEqual([line]);
      const { id } = await createPartner(await by("alice"), { companyName: "A" });
      await step("A r1 by subject alice");
      await (await by("bob")).updatePartner({ partner: { id, city: "Oslo" } });
      await step("A r2 by subject bob");
      await (await by("carol")).deletePartner({ id });
      await step(`deleted ${id} by subject carol`);
    },
  );

  test.each(Object.entries(protocols))("is told of by a watch, over %s", async (_name, create) => {
    const organization = randomUUID();
    const client = await bookClient(as("alice"), organization, organization, create);
    await createPartner(client, { companyName: "A" });
    const end = new AbortController();
    for await (const { changes } of client.watchPartnerChanges({}, { signal: end.signal })) {
      if (changes.length > 0) {
        expect(changes.map(tellWithAuthor)).toEqual(["A r1 by subject alice"]);
        break;
      }
    }
    end.abort();
  });

  test("is whoever made the latest change, in whichever way", async () => {
    const { organization, by, witness } = await openBook();
    const guest = randomUUID();
    const { partners } = await (await by("b1")).batchCreatePartners({
      requests: [partnerRequest({ companyName: "A" })],
    });
    const id = String(partners[0]?.id);
    await (await by("b2")).batchCreatePartners({
      requests: [partnerRequest({ companyName: "B" })],
      allowPartial: true,
    });
    expect(await witness("A r1", "B r1")).toEqual(["A r1 by subject b1", "B r1 by subject b2"]);
    const step = async (line: string, work: () => Promise<unknown>) => {
      await work();
      expect(await witness(line)).toEqual([line]);
    };
    let token = "";
    const invite = (subject: string) => async () => {
      token = (await (await by(subject)).invitePartner({ id })).invitationToken;
    };
    const accept = () => acceptInvitation(as("gina"), guest, organization, token);
    await step("A r2 by subject inviter", invite("inviter"));
    await step("A r3 by subject revoker", async () =>
      (await by("revoker")).revokeInvitation({ id }),
    );
    await step("A r4 by subject again", invite("again"));
    await step(`A r5 by organizationId ${guest}`, accept);
    await step("A r6 by subject ender", async () =>
      (await by("ender")).endConnection({ organizationId: guest, role: ConnectionRole.HOST }),
    );
    await step("A r7 by subject inviter", invite("inviter"));
    await step(`A r8 by organizationId ${guest}`, accept);
    await step(`A r9 by organizationId ${guest}`, async () =>
      (await bookClient(as("gina"), guest)).endConnection({
        organizationId: organization,
        role: ConnectionRole.GUEST,
      }),
    );
  });

  test("stays where nothing is changed", async () => {
    const { organization, by, witness } = await openBook();
    const [requestId, guest] = [randomUUID(), randomUUID()];
    const alice = await by("alice");
    const bob = await by("bob");
    const a = await createPartner(alice, { companyName: "A", requestId });
    expect(await createPartner(bob, { companyName: "A", requestId })).toEqual(a);
    await bob.updatePartner({ partner: { id: a.id, city: a.city } });
    await bob.updatePartner({ partner: { id: a.id, city: "Oslo" }, validateOnly: true });
    await bob.deletePartner({ id: a.id, validateOnly: true });
    const { id } = await createPartner(alice, { companyName: "B" });
    const { invitationToken } = await alice.invitePartner({ id });
    await acceptInvitation(as("gina"), guest, organization, invitationToken);
    await acceptInvitation(as("greg"), guest, organization, invitationToken);
    expect(await witness("A r1", "B r3")).toEqual([
      "A r1 by subject alice",
      `B r3 by organizationId ${guest}`,
    ]);
  });

  test("is told to the organization itself, and not to its host", async () => {
    const host = randomUUID();
    const { organization, by, witness } = await openBook();
    await createPartner(await by("alice"), { companyName: "A" });
    const hostBook = { organization: host, client: await bookClient(as("henry"), host) };
    await connect(as("alice"), hostBook, organization);
    expect(await witness("A r1")).toEqual(["A r1 by subject alice"]);
    const hostWitness = createWitness(await bookClient(as("alice"), host, organization));
    expect(await hostWitness("A r1")).toEqual(["A r1 by nobody"]);
  });

  test("is nobody once a change has been made without one", async () => {
    const { organization, by, witness } = await openBook();
    const { id } = await createPartner(await by("alice"), { companyName: "A" });
    // As the service of before there were authors does it, while this one is rolled out.
    await service.execute(
      `update partner set revision = revision + 1, change = default
        where organization_id = '${organization}'`,
    );
    expect(await witness("A r2")).toEqual(["A r2 by nobody"]);
    await (await by("bob")).updatePartner({ partner: { id, city: "Oslo" } });
    expect(await witness("A r3")).toEqual(["A r3 by subject bob"]);
  });

  test.each([
    ["longer than what is kept", "a".repeat(300), "a".repeat(255)],
    ["cut amid a character", `${"a".repeat(254)}🏭`, `${"a".repeat(254)}\ufffd`],
    ["of what a database cannot hold", "a\0b\ud800c", "a\ufffdb\ufffdc"],
    ["of what SQL and JSON quote", `'"\\$1 ${"€🏭"}`, `'"\\$1 ${"€🏭"}`],
  ])("is a subject %s", async (_what, subject, kept) => {
    const { by, witness } = await openBook();
    const client = await by(subject);
    const { id } = await createPartner(client, { companyName: "A" });
    expect(await witness("A r1")).toEqual([`A r1 by subject ${kept}`]);
    await client.updatePartner({ partner: { id, city: "Oslo" } });
    expect(await witness("A r2")).toEqual([`A r2 by subject ${kept}`]);
  });

  test("is nobody for what was there before there were authors", async () => {
    await using database = await createTestDatabase(kind);
    const orm = await createOrm(database.settings, schema);
    const { signal } = new AbortController();
    const partners = createPartnerRepository(orm);
    const { organizationId } = await partners.create(newPartner(), signal);
    await orm.migrator.down({ to: "0010-partner-deleted-index" });
    await migrate(orm);
    const columns = "author_subject, author_organization_id, author_revision";
    expect(await query(orm, `select ${columns} from partner`, [])).toEqual([
      { author_subject: null, author_organization_id: null, author_revision: 1 },
    ]);
    await orm.close(true);
    const migrated = await startTestService(database);
    const witness = createWitness(await bookClient(migrated, organizationId));
    expect(await witness("Example Supplies Ltd r1")).toEqual(["Example Supplies Ltd r1 by nobody"]);
    await migrated.close();
  });
});
