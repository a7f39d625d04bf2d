import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createOrm, query } from "@partner-service/postgres-statements";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ListPartnersRequestSchema,
  PartnerOrderField,
} from "../gen/partner/v1/partner_service_pb.ts";
import { schema } from "../src/database/open-database.ts";
import { createPartner, newBook } from "./support/book.ts";
import { createPostgresDatabase, databaseKinds } from "./support/databases.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

type ListInit = MessageInitShape<typeof ListPartnersRequestSchema>;

const notFound = { code: "NotFound", reason: "PARTNER_NOT_FOUND" };
const etagMismatch = { code: "Aborted", reason: "ETAG_MISMATCH", metadata: { etag: "r2" } };

describe.each(databaseKinds)("DeletePartner on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  test.each(Object.entries(protocols))(
    "takes a partner out of every read over %s",
    async (_name, create) => {
      const { client } = await newBook(service, create);
      const kept = await createPartner(client);
      const { id } = await createPartner(client);
      await client.deletePartner({ id });
      expect(await failureOf(client.getPartner({ id }))).toEqual(notFound);
      const requests: ListInit[] = [
        { includeTotalSize: true },
        { includeTotalSize: true, filters: { ids: [id, kept.id] } },
        { includeTotalSize: true, order: { field: PartnerOrderField.COMPANY_NAME } },
      ];
      for (const request of requests) {
        const page = await client.listPartners(request);
        expect(page).toMatchObject({ partners: [kept], totalSize: 1 });
      }
      const update = client.updatePartner({ partner: { id, city: "Boston" } });
      expect(await failureOf(update)).toEqual(notFound);
      expect(await failureOf(client.updatePartner({ partner: { id } }))).toEqual(notFound);
      expect(await failureOf(client.deletePartner({ id }))).toEqual(notFound);
    },
  );

  test("refuses a stale etag, and takes the right one", async () => {
    const { client } = await newBook(service);
    const { id, etag } = await createPartner(client);
    await client.updatePartner({ partner: { id, city: "Boston" } });
    expect(await failureOf(client.deletePartner({ id, etag }))).toEqual(etagMismatch);
    await client.deletePartner({ id, etag: "r2" });
    expect(await failureOf(client.deletePartner({ id, etag: "r2" }))).toEqual(notFound);
  });

  test("lets its request_id bring nothing back", async () => {
    const { client } = await newBook(service);
    const requestId = randomUUID();
    const { id } = await createPartner(client, { requestId });
    await client.deletePartner({ id });
    for (const [changes, cause] of [
      [{}, "PARTNER_DELETED"],
      [{ city: "Boston" }, "OTHER_CONTENT"],
    ] as const) {
      const call = client.createPartner(partnerRequest({ requestId, ...changes }));
      expect(await failureOf(call)).toEqual({
        code: "AlreadyExists",
        reason: "REQUEST_ID_REUSED",
        metadata: { request_id: requestId, cause },
      });
    }
    expect((await client.listPartners({})).partners).toEqual([]);
  });

  test("succeeds once when several race", async () => {
    const { client } = await newBook(service);
    const { id } = await createPartner(client);
    const calls = Array.from({ length: 8 }, () => client.deletePartner({ id }));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        expect(await failureOf(Promise.reject(outcome.reason))).toEqual(notFound);
      }
    }
  });

  test("does not find an unknown id, or one of another organization's book", async () => {
    const [one, other] = [await newBook(service), await newBook(service)];
    const partner = await createPartner(one.client);
    for (const id of [randomUUID(), partner.id]) {
      expect(await failureOf(other.client.deletePartner({ id }))).toEqual(notFound);
    }
    expect((await one.client.getPartner({ id: partner.id })).partner).toEqual(partner);
  });

  test.each([
    ["", "required"],
    ["1", "string.uuid"],
  ])("refuses the id %j", async (id, rule) => {
    const { client } = await newBook(service);
    expect(await failureOf(client.deletePartner({ id }))).toEqual({
      code: "InvalidArgument",
      reason: "FIELD_INVALID",
      violations: [`id: ${rule}`],
    });
  });
});

test("A deleted partner's row keeps nothing of what was said of the company", async () => {
  await using database = await createPostgresDatabase();
  const service = await startTestService(database);
  await using orm = await createOrm(database.settings, schema);
  const { client } = await newBook(service);
  const { id } = await createPartner(client, { requestId: randomUUID() });
  await client.deletePartner({ id });
  const [row = {}] = await query(orm, "select * from partner", []);
  const technical = Object.keys(row).filter((column) =>
    /^(organization_id|id|\w+_at|partner_type|revision|request_\w+|write_id|change|author_\w+)$/.test(
      column,
    ),
  );
  const rest = Object.entries(row).filter(([column]) => !technical.includes(column));
  expect(Object.fromEntries(rest)).toEqual({
    ...{ company_name: "-", email: "-", frequency: "-", payment_terms: "-", address: "-" },
    ...{ city: "-", state: "-", postal_code: "-", company_registration_number: "-" },
    ...{ sales_amount: 0, country_code: null, external_id: null, guest_organization_id: null },
    ...{ invitation_status: "invited", invitation_token_hash: null },
  });
  await service.close();
});
