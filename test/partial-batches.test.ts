import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  BatchCreatePartnersResult,
  CreatePartnerRequest,
} from "../gen/partner/v1/partner_service_pb.ts";
import { createPartner, newBook } from "./support/book.ts";
import { databaseKinds } from "./support/databases.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";

/** A result in a form that tests compare as a whole. */
function summarize({ result, errorInfo, fieldViolations }: BatchCreatePartnersResult) {
  if (result.case === "partner") {
    return result.value.companyName;
  }
  return {
    code: Code[result.value?.code ?? 0],
    reason: errorInfo?.reason,
    ...(fieldViolations.length > 0
      ? { violations: fieldViolations.map(({ field }) => field) }
      : {}),
  };
}

const named = (companyName: string, changes = {}): CreatePartnerRequest =>
  partnerRequest({ companyName, ...changes });

describe.each(databaseKinds)("BatchCreatePartners on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  const namesIn = async (client: Awaited<ReturnType<typeof newBook>>["client"]) =>
    (await client.listPartners({ pageSize: 100 })).partners.map(({ companyName }) => companyName);

  test.each(Object.entries(protocols))(
    "with allow_partial creates what can be, and tells each entry's fate, over %s",
    async (_name, transport) => {
      const { client } = await newBook(service, transport);
      const used = randomUUID();
      await createPartner(client, { companyName: "Old", externalId: "1", requestId: used });
      const requests = [
        named("A"),
        named("", { email: "nobody" }),
        named("B", { externalId: "1" }),
        named("C", { externalId: "2" }),
        named("D", { externalId: "2" }),
        named("E", { requestId: used }),
        named("F", { countryCode: "Germany" }),
        named("Old", { externalId: "1", requestId: used }),
      ];
      const wanted = [
        "A",
        {
          code: "InvalidArgument",
          reason: "FIELD_INVALID",
          violations: ["requests[1].company_name", "requests[1].email"],
        },
        { code: "AlreadyExists", reason: "EXTERNAL_ID_TAKEN" },
        "C",
        {
          code: "InvalidArgument",
          reason: "FIELD_INVALID",
          violations: ["requests[4].external_id"],
        },
        { code: "AlreadyExists", reason: "REQUEST_ID_REUSED" },
        {
          code: "InvalidArgument",
          reason: "FIELD_INVALID",
          violations: ["requests[6].country_code"],
        },
        {
          code: "InvalidArgument",
          reason: "FIELD_INVALID",
          violations: ["requests[7].request_id", "requests[7].external_id"],
        },
      ];
      const partial = { requests, allowPartial: true };
      const checked = await client.batchCreatePartners({ ...partial, validateOnly: true });
      expect(checked.results.map(summarize)).toEqual(wanted);
      expect(await namesIn(client)).toEqual(["Old"]);
      const { partners, results } = await client.batchCreatePartners(partial);
      expect(results.map(summarize)).toEqual(wanted);
      expect(partners).toEqual([]);
      expect(await namesIn(client)).toEqual(["Old", "A", "C"]);
    },
  );

  test("without allow_partial creates none where one cannot be, and says which", async () => {
    const { client } = await newBook(service);
    const { id } = await createPartner(client, { externalId: "1" });
    const requests = [named("A"), named("B", { externalId: "1" })];
    expect(await failureOf(client.batchCreatePartners({ requests }))).toEqual({
      code: "AlreadyExists",
      reason: "EXTERNAL_ID_TAKEN",
      metadata: { external_id: "1", partner_id: id, entry: "1" },
    });
    const requestId = randomUUID();
    expect(await failureOf(client.batchCreatePartners({ requests, requestId }))).toMatchObject({
      reason: "EXTERNAL_ID_TAKEN",
    });
    expect(await namesIn(client)).toEqual(["Example Supplies Ltd"]);
  });

  test.each([
    ["none", undefined],
    ["one", randomUUID()],
  ])(
    "creates by the entries' own request_ids what was not created before, beside %s of the batch",
    async (_what, requestId) => {
      const { client } = await newBook(service);
      const ids = ["A", "B", "C", "D"].map(() => randomUUID());
      const entry = (index: number, companyName: string) =>
        named(companyName, { requestId: ids[index] });
      const batch = requestId === undefined ? {} : { requestId };
      const first = [entry(0, "A"), entry(1, "B"), named("E")];
      await client.batchCreatePartners({ requests: first, ...batch });
      // The same as a CreatePartner of the entry.
      await client.createPartner(entry(2, "C"));
      const again = [...first.slice(0, 2), entry(2, "C"), entry(3, "D")];
      const { partners } = await client.batchCreatePartners({ requests: again, ...batch });
      expect(partners.map(({ companyName }) => companyName)).toEqual(["A", "B", "C", "D"]);
      expect(await namesIn(client)).toEqual(["A", "B", "E", "C", "D"]);

      const corrected = [entry(0, "A"), entry(1, "Bee"), named("F")];
      expect(
        await failureOf(client.batchCreatePartners({ requests: corrected, ...batch })),
      ).toEqual({
        code: "AlreadyExists",
        reason: "REQUEST_ID_REUSED",
        metadata: { request_id: ids[1], cause: "OTHER_CONTENT", entry: "1" },
      });
      expect(await namesIn(client)).toEqual(["A", "B", "E", "C", "D"]);
      const partial = await client.batchCreatePartners({ requests: corrected, allowPartial: true });
      expect(partial.results.map(summarize)).toEqual([
        "A",
        { code: "AlreadyExists", reason: "REQUEST_ID_REUSED" },
        "F",
      ]);
    },
  );

  test("makes entries without a request_id safe by that of the batch, with allow_partial", async () => {
    const { client } = await newBook(service);
    const batch = { requestId: randomUUID(), allowPartial: true };
    const requests = [named("A"), named("B", { city: "" }), named("C")];
    const first = await client.batchCreatePartners({ ...batch, requests });
    const corrected = [named("A"), named("B"), named("C")];
    const second = await client.batchCreatePartners({ ...batch, requests: corrected });
    expect(second.results.map(summarize)).toEqual(["A", "B", "C"]);
    expect([second.results[0], second.results[2]]).toEqual([first.results[0], first.results[2]]);
    expect(await namesIn(client)).toEqual(["A", "C", "B"]);
  });

  test("leaves free what a process of the release before has deleted", async () => {
    const { client } = await newBook(service);
    const { id } = await createPartner(client, { companyName: "Gone", externalId: "1" });
    await createPartner(client, { companyName: "Old", externalId: "2" });
    // It leaves the columns as they are that it does not know.
    await service.execute(`update partner set deleted_at = now() where id = '${id}'`);
    const requests = [named("A", { externalId: "1" }), named("B", { externalId: "2" })];
    const { results } = await client.batchCreatePartners({ requests, allowPartial: true });
    expect(results.map(summarize)).toEqual([
      "A",
      { code: "AlreadyExists", reason: "EXTERNAL_ID_TAKEN" },
    ]);
    expect(await namesIn(client)).toEqual(["Old", "A"]);
  });

  test("refuses what an entry must not have", async () => {
    const { client } = await newBook(service);
    const [requestId, upper] = [randomUUID(), randomUUID()];
    const requests = [
      named("A", { requestId, validateOnly: true }),
      named("B", { requestId: upper }),
      named("C", { requestId: upper.toUpperCase(), externalId: "1" }),
      named("D", { externalId: "1" }),
    ];
    expect(await failureOf(client.batchCreatePartners({ requests }))).toMatchObject({
      violations: [
        "requests[0].validate_only: batch.validate_only",
        "requests[2].request_id: batch.request_id",
        "requests[3].external_id: batch.external_id",
      ],
    });
    expect(await namesIn(client)).toEqual([]);
  });

  test("has one partner for each entry when the same file is sent many times at once", async () => {
    const { client } = await newBook(service);
    const requests = Array.from({ length: 10 }, (_, index) =>
      named(`No. ${index}`, { requestId: randomUUID(), externalId: String(index) }),
    );
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        client.batchCreatePartners({
          requests: index % 2 === 0 ? requests : requests.toReversed(),
          allowPartial: index < 4,
        }),
      ),
    );
    const { partners } = await client.listPartners({ pageSize: 100 });
    expect(partners).toHaveLength(10);
    const byName = (list: typeof partners) =>
      list.toSorted((a, b) => String(a.companyName).localeCompare(String(b.companyName)));
    for (const answer of answers) {
      const answered = [
        ...answer.partners,
        ...answer.results.flatMap(({ result }) => (result.case === "partner" ? result.value : [])),
      ];
      expect(byName(answered)).toEqual(byName(partners));
    }
  });
});
