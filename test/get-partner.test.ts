import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bookClient, createPartner, newBook } from "./support/book.ts";
import { databaseKinds } from "./support/databases.ts";
import { acme } from "./support/organizations.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { startTestService, type TestService } from "./support/service.ts";

const notFound = { code: "NotFound", reason: "PARTNER_NOT_FOUND" };

describe.each(databaseKinds)("GetPartner on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  describe.each(Object.entries(protocols))("over %s", (_name, createTransport) => {
    const book = () => bookClient(service, acme, acme, createTransport);

    test("answers the partner as it was created", async () => {
      const client = await book();
      const created = await createPartner(client, { countryCode: undefined, salesAmount: 0 });
      expect(await client.getPartner({ id: created.id })).toMatchObject({ partner: created });
      const upperCase = await client.getPartner({ id: created.id.toUpperCase() });
      expect(upperCase.partner).toEqual(created);
    });

    test("knows no other id", async () => {
      const client = await book();
      expect(await failureOf(client.getPartner({ id: randomUUID() }))).toEqual(notFound);
    });

    test.each([
      ["", "required"],
      ["42", "string.uuid"],
      ["x".repeat(36), "string.uuid"],
    ])("refuses the id %j", async (id, rule) => {
      const client = await book();
      expect(await failureOf(client.getPartner({ id }))).toEqual({
        code: "InvalidArgument",
        reason: "FIELD_INVALID",
        violations: [`id: ${rule}`],
      });
    });
  });

  test("does not find a partner of another organization's book", async () => {
    const [one, other] = [await newBook(service), await newBook(service)];
    const { id } = await createPartner(one.client);
    expect(await failureOf(other.client.getPartner({ id }))).toEqual(notFound);
  });
});
