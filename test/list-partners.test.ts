import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InvitationStatus, type Partner, PartnerType } from "../gen/partner/v1/partner_pb.ts";
import {
  type ListPartnersRequestSchema,
  OrderDirection,
  PartnerOrderField,
} from "../gen/partner/v1/partner_service_pb.ts";
import { type BookClient, bookClient, createPartner, newBook } from "./support/book.ts";
import { callHeaders } from "./support/call-cases.ts";
import { databaseKinds } from "./support/databases.ts";
import { acme } from "./support/organizations.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { startTestService, type TestService } from "./support/service.ts";

type ListInit = Exclude<MessageInitShape<typeof ListPartnersRequestSchema>, { $typeName: string }>;

const invalid = (...violations: string[]) => ({
  code: "InvalidArgument",
  reason: "FIELD_INVALID",
  violations,
});

/** A number that no enum of the contract declares; the types cannot say so. */
function unknown<Enum extends number>(): Enum {
  return Number(99) as Enum;
}

/** All pages of a list, as the names of the companies. */
async function pagesOf(client: BookClient, request: ListInit): Promise<string[][]> {
  const pages: string[][] = [];
  let pageToken = "";
  do {
    const page = await client.listPartners({ ...request, pageToken });
    pages.push(page.partners.map(({ companyName = "" }) => companyName));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return pages;
}

describe.each(databaseKinds)("ListPartners on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  test.each(Object.entries(protocols))("answers whole partners over %s", async (_name, create) => {
    const { client } = await newBook(service, create);
    expect(await client.listPartners({ includeTotalSize: true })).toMatchObject({
      partners: [],
      nextPageToken: "",
      totalSize: 0,
    });
    const first = await createPartner(client);
    const second = await createPartner(client, { countryCode: undefined });
    const page = await client.listPartners({ pageSize: 1 });
    expect(page.partners).toEqual([first]);
    expect(page.totalSize).toBeUndefined();
    const { nextPageToken: pageToken } = page;
    const last = await client.listPartners({ pageSize: 1, pageToken, includeTotalSize: true });
    expect(last).toMatchObject({ partners: [second], nextPageToken: "", totalSize: 2 });
  });

  test("answers 20 partners unless told otherwise, and 100 at most", async () => {
    const { client } = await newBook(service);
    await Promise.all(Array.from({ length: 101 }, () => createPartner(client)));
    expect((await client.listPartners({})).partners).toHaveLength(20);
    for (const pageSize of [100, 101, 2_147_483_647]) {
      expect((await client.listPartners({ pageSize })).partners).toHaveLength(100);
    }
    const pages = await pagesOf(client, { pageSize: 100 });
    expect(pages.map((page) => page.length)).toEqual([100, 1]);
  });

  test("neither repeats a partner nor leaves one out when others come between two pages", async () => {
    const { client } = await newBook(service);
    for (const companyName of ["B", "D", "F"]) {
      await createPartner(client, { companyName });
    }
    const list = { pageSize: 2, order: { field: PartnerOrderField.COMPANY_NAME } };
    const first = await client.listPartners(list);
    await createPartner(client, { companyName: "A" });
    await createPartner(client, { companyName: "E" });
    const rest = await client.listPartners({ ...list, pageToken: first.nextPageToken });
    const names = [...first.partners, ...rest.partners].map(({ companyName }) => companyName);
    expect(names).toEqual(["B", "D", "E", "F"]);
  });

  describe("orders", () => {
    let client: BookClient;

    beforeAll(async () => {
      ({ client } = await newBook(service));
      const rows = [
        ["b", 30, PartnerType.SUPPLIER, "z@example.com", "daily", "Net 60"],
        ["a", 0, PartnerType.CUSTOMER, "y@example.com", "weekly", "Net 30"],
        ["c", 2147483647, PartnerType.CUSTOMER, "x@example.com", "monthly", "Net 30"],
        ["a", 30, PartnerType.SUPPLIER, "x@example.com", "daily", "Cash"],
      ] as const;
      let number = 0;
      for (const [name, salesAmount, partnerType, email, frequency, paymentTerms] of rows) {
        number += 1;
        await createPartner(client, {
          companyName: `${name}${name === "a" ? "" : number}`,
          ...{ salesAmount, partnerType, email, frequency, paymentTerms, city: String(number) },
        });
      }
    });

    /** The creation numbers of the partners, in each order; ties by creation. */
    const orders: [keyof typeof PartnerOrderField, string][] = [
      ["UNSPECIFIED", "1234"],
      ["CREATED_AT", "1234"],
      ["COMPANY_NAME", "2413"],
      ["SALES_AMOUNT", "2143"],
      ["PARTNER_TYPE", "2314"],
      ["EMAIL", "3421"],
      ["FREQUENCY", "1432"],
      ["PAYMENT_TERMS", "4231"],
    ];
    const directions: [keyof typeof OrderDirection, number][] = [
      ["UNSPECIFIED", 1],
      ["ASCENDING", 1],
      ["DESCENDING", -1],
    ];

    test.each(orders.flatMap(([field, numbers]) => directions.map((d) => ({ field, numbers, d }))))(
      "by $field, $d.0, on one page and across pages",
      async ({ field, numbers, d: [direction, sign] }) => {
        const order = { field: PartnerOrderField[field], direction: OrderDirection[direction] };
        const expected = sign === 1 ? numbers : [...numbers].reverse().join("");
        const { partners } = await client.listPartners({ order });
        expect(partners.map(({ city }) => city).join("")).toBe(expected);

        const walked: Partner[] = [];
        let pageToken = "";
        do {
          const page = await client.listPartners({ order, pageSize: 1, pageToken });
          walked.push(...page.partners);
          pageToken = page.nextPageToken;
        } while (pageToken !== "");
        expect(walked).toEqual(partners);
      },
    );
  });

  describe("filters", () => {
    let client: BookClient;
    let partners: Partner[];

    beforeAll(async () => {
      ({ client } = await newBook(service));
      partners = [
        await createPartner(client, { companyName: "100% Wool", email: "sales@wool.example" }),
        await createPartner(client, { companyName: "1000 Woods", email: "a_b@woods.example" }),
        await createPartner(client, {
          companyName: "Back\\slash",
          email: "axb@woods.example",
          partnerType: PartnerType.SUPPLIER,
        }),
      ];
    });

    test.each<[string, (ids: string[]) => ListInit["filters"], number[]]>([
      ["by one type", () => ({ partnerTypes: [PartnerType.SUPPLIER] }), [2]],
      [
        "by both types",
        () => ({ partnerTypes: [PartnerType.SUPPLIER, PartnerType.CUSTOMER] }),
        [0, 1, 2],
      ],
      ["by ids, in either case", ([, b, c]) => ({ ids: [`${c}`.toUpperCase(), `${b}`] }), [1, 2]],
      ["by unknown ids", () => ({ ids: [randomUUID()] }), []],
      ["by status", () => ({ invitationStatuses: [InvitationStatus.INVITED] }), [0, 1, 2]],
      ["by another status", () => ({ invitationStatuses: [InvitationStatus.ACCEPTED] }), []],
      ["by text in the name, ignoring case", () => ({ text: "wOO" }), [0, 1, 2]],
      ["by text in the e-mail address", () => ({ text: "SALES@" }), [0]],
      ["by a literal %", () => ({ text: "100%" }), [0]],
      ["by a literal _", () => ({ text: "a_b" }), [1]],
      ["by a literal \\", () => ({ text: "\\" }), [2]],
      ["by text and type", () => ({ text: "wood", partnerTypes: [PartnerType.SUPPLIER] }), [2]],
      ["by nothing", () => ({}), [0, 1, 2]],
    ])("%s", async (_name, filters, found) => {
      const list = { filters: filters(partners.map(({ id }) => id)), includeTotalSize: true };
      const page = await client.listPartners(list);
      expect(page).toMatchObject({
        partners: found.map((index) => partners[index]),
        totalSize: found.length,
        nextPageToken: "",
      });
    });
  });

  describe("page tokens", () => {
    test("are bound to organization, filters and order", async () => {
      const { client } = await newBook(service);
      const partners = [await createPartner(client), await createPartner(client)];
      const ids = partners.map(({ id }) => id);
      const list = { pageSize: 1, filters: { text: "e", ids } };
      const { nextPageToken: pageToken } = await client.listPartners(list);
      const refused = invalid("page_token: page_token");

      const others: ListInit[] = [
        { pageToken },
        { pageToken, filters: { text: "E", ids } },
        { pageToken, ...list, order: { field: PartnerOrderField.EMAIL } },
        { pageToken, ...list, order: { direction: OrderDirection.DESCENDING } },
      ];
      for (const other of others) {
        expect(await failureOf(client.listPartners(other))).toEqual(refused);
      }
      const stranger = await newBook(service);
      const theft = stranger.client.listPartners({ ...list, pageToken });
      expect(await failureOf(theft)).toEqual(refused);
      // With another page size, a count, and its ids in another order and case it is the same list.
      const next = await client.listPartners({
        ...{ pageToken, pageSize: 50, includeTotalSize: true },
        filters: { text: "e", ids: ids.toReversed().map((id) => id.toUpperCase()) },
      });
      expect(next).toMatchObject({ totalSize: 2, partners: partners.slice(1) });
    });

    test("are refused when they have been altered, at whatever place", async () => {
      const { client } = await newBook(service);
      await createPartner(client);
      await createPartner(client);
      const list = { pageSize: 1, order: { field: PartnerOrderField.SALES_AMOUNT } };
      const { nextPageToken: token } = await client.listPartners(list);
      const bytes = Buffer.from(token, "base64url");
      const altered = [0, 11, 12, bytes.length - 17, bytes.length - 1].map((index) =>
        bytes.with(index, (bytes[index] ?? 0) ^ 1),
      );
      const others = [
        ...altered.map((each) => Buffer.from(each).toString("base64url")),
        ...["x", "💥", token.slice(0, -4), `${token}=`, `${token} `, token.slice(0, 16)],
        // What the release before made.
        Buffer.from(JSON.stringify([1, "", 150_000, randomUUID()])).toString("base64url"),
      ];
      for (const pageToken of others) {
        const call = client.listPartners({ ...list, pageToken });
        expect(await failureOf(call)).toEqual(invalid("page_token: page_token"));
      }
    });

    test("show nothing of the partner that they stand at", async () => {
      const { client } = await newBook(service);
      const { id } = await createPartner(client, { email: "secret@example.com" });
      await createPartner(client, { email: "secreu@example.com" });
      const list = { pageSize: 1, order: { field: PartnerOrderField.EMAIL } };
      const { nextPageToken } = await client.listPartners(list);
      const shown = Buffer.from(nextPageToken, "base64url").toString("latin1");
      for (const secret of ["secret", "example", id]) {
        expect(shown).not.toContain(secret);
      }
    });
  });

  const ids = (count: number) => Array.from({ length: count }, () => randomUUID());

  test.each<[string, ListInit, string]>([
    ["a negative page_size", { pageSize: -1 }, "page_size: int32.gte"],
    [
      "65,000 types",
      { filters: { partnerTypes: Array<PartnerType>(65_000).fill(PartnerType.CUSTOMER) } },
      "filters.partner_types: repeated.max_items",
    ],
    ["101 ids", { filters: { ids: ids(101) } }, "filters.ids: repeated.max_items"],
    ["an id that is none", { filters: { ids: ["1"] } }, "filters.ids[0]: string.uuid"],
    ["an empty text", { filters: { text: "" } }, "filters.text: string.min_len"],
    ["a text of 256", { filters: { text: "🏭".repeat(256) } }, "filters.text: string.max_len"],
    ["U+0000", { filters: { text: "a\u0000" } }, "filters.text: string.not_contains"],
    ["type 0", { filters: { partnerTypes: [0] } }, "filters.partner_types[0]: enum.not_in"],
    [
      "status 9",
      { filters: { invitationStatuses: [unknown()] } },
      "filters.invitation_statuses[0]: enum.defined_only",
    ],
    ["an order by 99", { order: { field: unknown() } }, "order.field: enum.defined_only"],
    ["a direction 99", { order: { direction: unknown() } }, "order.direction: enum.defined_only"],
  ])("refuses %s", async (_name, request, violation) => {
    const { client } = await newBook(service);
    expect(await failureOf(client.listPartners(request))).toEqual(invalid(violation));
  });

  test("takes 100 ids and a text of 255 code points", async () => {
    const { client } = await newBook(service);
    const { partners } = await client.listPartners({
      filters: { ids: ids(100), text: "🏭".repeat(255) },
    });
    expect(partners).toEqual([]);
  });

  test("answers the partners of the target's book only", async () => {
    const [one, other] = [await newBook(service), await newBook(service)];
    await createPartner(one.client);
    const { partners } = await other.client.listPartners({ includeTotalSize: true });
    expect(partners).toEqual([]);
  });

  test.each([
    ["GetPartner", (id: string) => ({ id })],
    ["ListPartners", () => ({ pageSize: 1 })],
  ])("lets %s be called with HTTP GET, and not be cached", async (rpc, message) => {
    const partner = await createPartner(await bookClient(service, acme));
    const url = new URL(`/partner.v1.PartnerService/${rpc}`, service.url);
    url.searchParams.set("connect", "v1");
    url.searchParams.set("encoding", "json");
    url.searchParams.set("message", JSON.stringify(message(partner.id)));
    const headers = callHeaders(await service.issuer.token());
    const response = await fetch(url, { headers });
    expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(await response.text()).toContain("Example Supplies Ltd");
    const withoutToken = await fetch(url, {
      headers: callHeaders("", { Authorization: undefined }),
    });
    expect(withoutToken.status).toBe(401);
  });

  test("lets nothing that writes be called with HTTP GET", async () => {
    const url = `${service.url}/partner.v1.PartnerService/CreatePartner?connect=v1&encoding=json`;
    const headers = callHeaders(await service.issuer.token());
    expect((await fetch(`${url}&message={}`, { headers })).status).toBe(405);
  });
});
