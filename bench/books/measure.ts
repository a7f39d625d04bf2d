import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "pg";
import {
  ListPartnersRequestSchema,
  PartnerOrderField,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { toListQuery } from "../../src/partners/list-request.ts";
import { pageStatement } from "../../src/partners/partner-list.ts";
import { median } from "../report/results.ts";
import type { CallHeaders, Partners } from "./load.ts";
import { timed } from "./timed.ts";

/** The median times of one list, in milliseconds: the service's call, and its statement alone. */
export interface ListTimes {
  readonly title: string;
  readonly serviceMs: number;
  readonly statementMs: number;
}

type Request = MessageInitShape<typeof ListPartnersRequestSchema>;

const pageSize = 20;
const deepPage = 1000;
/** How long one list is timed at most; where that is short of the rounds, three rounds must do. */
const budgetMs = 10_000;
const leastRounds = 3;

/** Times each list in turn with its statement, sent over pg by one client. */
export async function measureBook(
  partners: Partners,
  headers: CallHeaders,
  client: Client,
  organization: string,
  rounds: number,
): Promise<readonly ListTimes[]> {
  const lists: [string, Request][] = [["first page", {}]];
  const pageToken = await findToken(partners, headers);
  if (pageToken !== undefined) {
    lists.push([`page ${deepPage}`, { pageToken }]);
  }
  for (const order of orders) {
    const field = PartnerOrderField[order];
    lists.push([`first page by ${order.toLowerCase()}`, { order: { field } }]);
  }
  lists.push(["text that few partners have", { filters: { text: "zz9" } }]);

  const times: ListTimes[] = [];
  for (const [title, request] of lists) {
    const query = toListQuery(create(ListPartnersRequestSchema, request), organization);
    const { text, values } = pageStatement("partner", ["*"], query);
    const service: number[] = [];
    const statement: number[] = [];
    const deadline = performance.now() + budgetMs;
    for (let round = 0; round < rounds; round += 1) {
      if (round >= leastRounds && performance.now() > deadline) {
        break;
      }
      service.push(await timed(() => partners.listPartners(request, { headers })));
      statement.push(await timed(() => client.query(text, [...values])));
    }
    times.push({ title, serviceMs: median(service), statementMs: median(statement) });
  }
  return times;
}

/** The orders other than the default, which the first lists have. */
const orders = [
  "COMPANY_NAME",
  "SALES_AMOUNT",
  "PARTNER_TYPE",
  "EMAIL",
  "FREQUENCY",
  "PAYMENT_TERMS",
] as const;

/** The token of the deep page, found by paging there; undefined where the book has fewer pages. */
async function findToken(partners: Partners, headers: CallHeaders): Promise<string | undefined> {
  let pageToken = "";
  for (let left = (deepPage - 1) * pageSize; left > 0; ) {
    const size = Math.min(left, 100);
    const page = await partners.listPartners({ pageSize: size, pageToken }, { headers });
    if (page.nextPageToken === "") {
      return undefined;
    }
    pageToken = page.nextPageToken;
    left -= size;
  }
  return pageToken;
}
