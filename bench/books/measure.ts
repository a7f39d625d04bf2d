import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Client } from "pg";
import {
  ListPartnersRequestSchema,
  PartnerOrderField,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { pageStatement } from "../../src/partners/list-statements.ts";
import { toListQuery } from "../../src/rpcs/list-rpc.ts";
import type { PageTokens } from "../../src/rpcs/paging.ts";
import type { Call } from "../calls.ts";
import { type Http1Connection, openHttp1Connection } from "../load/http1-connection.ts";
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
/** V8 compiles what a list runs through within some hundred calls. */
const warmUpCalls = 500;

/**
 * Times each list in turn with its statement, both sent by one client on one connection: the call
 * until the last byte of its answer (Connect, Protobuf over HTTP/1.1), the statement over pg.
 */
export async function measureBook(
  baseUrl: string,
  partners: Partners,
  headers: CallHeaders,
  client: Client,
  organization: string,
  pageTokens: PageTokens,
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
  await callRepeatedly(await openConnection(baseUrl, headers, {}), warmUpCalls);
  for (const [title, request] of lists) {
    const query = toListQuery(create(ListPartnersRequestSchema, request), organization, pageTokens);
    const { text, values } = pageStatement("partner", "*", query);
    const connection = await openConnection(baseUrl, headers, request);
    const service: number[] = [];
    const statement: number[] = [];
    const deadline = performance.now() + budgetMs;
    for (let round = 0; round < rounds; round += 1) {
      if (round >= leastRounds && performance.now() > deadline) {
        break;
      }
      service.push(await timed(() => callOnce(connection)));
      statement.push(await timed(() => client.query(text, [...values])));
    }
    connection.close();
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

function openConnection(
  baseUrl: string,
  headers: CallHeaders,
  request: Request,
): Promise<Http1Connection> {
  const path = "/partner.v1.PartnerService/ListPartners";
  const body = Buffer.from(
    toBinary(ListPartnersRequestSchema, create(ListPartnersRequestSchema, request)),
  );
  const call: Call = {
    method: "POST",
    path,
    headers: { ...headers, "content-type": "application/proto" },
    body,
  };
  return openHttp1Connection({ url: `${baseUrl}${path}`, call });
}

async function callOnce(connection: Http1Connection): Promise<void> {
  const status = await connection.call();
  if (status !== 200) {
    throw new Error(`ListPartners is answered with ${status}.`);
  }
}

async function callRepeatedly(connection: Http1Connection, times: number): Promise<void> {
  for (let call = 0; call < times; call += 1) {
    await callOnce(connection);
  }
  connection.close();
}

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
