import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPartner, newBook } from "./support/book.ts";
import { databaseKinds } from "./support/databases.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

const taken = (externalId: string, partnerId: string | undefined, more = {}) => ({
  code: "AlreadyExists",
  reason: "EXTERNAL_ID_TAKEN",
  metadata: { external_id: externalId, partner_id: partnerId, ...more },
});

describe.each(databaseKinds)("external_id on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  test.each(Object.entries(protocols))(
    "comes back as it was sent, and no second partner of the book has it, over %s",
    async (_name, transport) => {
      const { client } = await newBook(service, transport);
      const externalId = "V-10042 ✓";
      const { id, ...first } = await createPartner(client, { externalId });
      expect(first.externalId).toBe(externalId);
      expect((await client.getPartner({ id })).partner?.externalId).toBe(externalId);
      expect(await failureOf(client.createPartner(partnerRequest({ externalId })))).toEqual(
        taken(externalId, id),
      );
      expect((await createPartner(client)).externalId).toBeUndefined();
      const other = await newBook(service, transport);
      expect((await createPartner(other.client, { externalId })).externalId).toBe(externalId);
    },
  );

  test.each([
    ["", "string.min_len"],
    ["x".repeat(101), "string.max_len"],
    ["a\u0000", "string.not_contains"],
  ])("is refused where it is %j", async (externalId, rule) => {
    const { client } = await newBook(service);
    expect(await failureOf(client.createPartner(partnerRequest({ externalId })))).toMatchObject({
      violations: [`external_id: ${rule}`],
    });
    const { id } = await createPartner(client);
    expect(await failureOf(client.updatePartner({ partner: { id, externalId } }))).toMatchObject({
      violations: [`partner.external_id: ${rule}`],
    });
    expect((await createPartner(client, { externalId: "🏭".repeat(100) })).id).not.toBe("");
  });

  test("is changed, cleared and free again", async () => {
    const { client } = await newBook(service);
    const [first, second] = [
      await createPartner(client, { externalId: "1" }),
      await createPartner(client, { externalId: "2" }),
    ];
    const take = client.updatePartner({ partner: { id: second.id, externalId: "1" } });
    expect(await failureOf(take)).toEqual(taken("1", first.id));
    await client.updatePartner({
      partner: { id: first.id },
      updateMask: { paths: ["external_id"] },
    });
    expect((await client.getPartner({ id: first.id })).partner?.externalId).toBeUndefined();
    await client.updatePartner({ partner: { id: second.id, externalId: "1" } });
    await client.deletePartner({ id: second.id });
    expect((await createPartner(client, { externalId: "1" })).externalId).toBe("1");
  });

  test("belongs to what a request_id was used for", async () => {
    const { client } = await newBook(service);
    const requestId = randomUUID();
    const first = await createPartner(client, { requestId, externalId: "1" });
    expect(await createPartner(client, { requestId, externalId: "1" })).toEqual(first);
    const changed = client.createPartner(partnerRequest({ requestId, externalId: "2" }));
    expect(await failureOf(changed)).toMatchObject({ reason: "REQUEST_ID_REUSED" });
    const other = client.createPartner(
      partnerRequest({ requestId: randomUUID(), externalId: "1" }),
    );
    expect(await failureOf(other)).toEqual(taken("1", first.id));
  });

  test("is one partner's when many race for it", async () => {
    const { client } = await newBook(service);
    const calls = await Promise.allSettled(
      Array.from({ length: 20 }, () => client.createPartner(partnerRequest({ externalId: "1" }))),
    );
    expect(calls.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const { partners } = await client.listPartners({ filters: { externalIds: ["1"] } });
    for (const call of calls) {
      if (call.status === "rejected") {
        expect(await failureOf(Promise.reject(call.reason))).toEqual(taken("1", partners[0]?.id));
      }
    }
  });

  test("narrows lists down, as the company registration number does", async () => {
    const { client } = await newBook(service);
    const created = [];
    for (const [externalId, companyRegistrationNumber] of [
      ["1", "HRB 1"],
      ["2", "HRB 2"],
      ["3", "HRB 1"],
    ]) {
      created.push(await createPartner(client, { externalId, companyRegistrationNumber }));
    }
    await createPartner(client);
    const listed = async (filters: Parameters<typeof client.listPartners>[0]["filters"]) =>
      (await client.listPartners({ filters })).partners.map(({ externalId }) => externalId);
    expect(await listed({ externalIds: ["3", "1", "nobody's"] })).toEqual(["1", "3"]);
    expect(await listed({ companyRegistrationNumbers: ["HRB 1"] })).toEqual(["1", "3"]);
    expect(
      await listed({ externalIds: ["2", "3"], companyRegistrationNumbers: ["HRB 1", "HRB 2"] }),
    ).toEqual(["2", "3"]);
    const hundred = Array.from({ length: 100 }, (_, index) => String(index));
    expect(await listed({ externalIds: hundred })).toEqual(["1", "2", "3"]);
    const tooMany = client.listPartners({ filters: { externalIds: [...hundred, "x"] } });
    expect(await failureOf(tooMany)).toMatchObject({
      violations: ["filters.external_ids: repeated.max_items"],
    });
    // A page's token is good for its own filters only.
    const filters = { externalIds: ["1", "2", "3"] };
    const page = await client.listPartners({ filters, pageSize: 1 });
    const pageToken = page.nextPageToken;
    const next = await client.listPartners({ filters, pageToken });
    expect(next.partners.map(({ externalId }) => externalId)).toEqual(["2", "3"]);
    const other = client.listPartners({ filters: { externalIds: ["1", "2"] }, pageToken });
    expect(await failureOf(other)).toMatchObject({ violations: ["page_token: page_token"] });
  });
});
