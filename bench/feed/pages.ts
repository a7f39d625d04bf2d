import { create, toBinary } from "@bufbuild/protobuf";
import type { Client } from "pg";
import { ListPartnerChangesRequestSchema } from "../../gen/partner/v1/partner_service_pb.ts";
import { changesStatement, horizonSql } from "../../src/changes/change-feed.ts";
import type { CallHeaders, Partners } from "../books/load.ts";
import { timed } from "../books/timed.ts";
import type { Call } from "../calls.ts";
import { openHttp1Connection } from "../load/http1-connection.ts";
import { median } from "../report/results.ts";

const pageSize = 1000;
const rounds = 101;

/** A place in the order of changes. */
interface Place {
  readonly change: string;
  readonly id: string;
}

const beginning: Place = { change: "0", id: "00000000-0000-0000-0000-000000000000" };

/** Reads the book page by page as a program does that has the database to itself, to its end at most. */
export async function readByStatements(
  client: Client,
  organizationId: string,
  atMost = Number.POSITIVE_INFINITY,
) {
  const start = performance.now();
  const horizon = await readHorizon(client);
  const places: Place[] = [];
  let partners = 0;
  for (let place = beginning; partners < atMost; ) {
    const { rows } = await client.query(statementAt(organizationId, place, horizon));
    const page = rows.slice(0, pageSize);
    partners += page.length;
    places.push(place);
    place = page.at(-1) ?? place;
    if (rows.length <= pageSize) {
      break;
    }
  }
  return { seconds: (performance.now() - start) / 1000, partners, places };
}

/** Reads the book as who begins to follow it. */
export async function readByService(
  partners: Partners,
  headers: CallHeaders,
  atMost = Number.POSITIVE_INFINITY,
) {
  const start = performance.now();
  const tokens: string[] = [];
  let changeToken = "";
  let count = 0;
  for (let more = true; more && count < atMost; ) {
    const page = await partners.listPartnerChanges({ changeToken, pageSize }, { headers });
    tokens.push(changeToken);
    count += page.changes.length;
    changeToken = page.nextChangeToken;
    more = page.more;
  }
  return { seconds: (performance.now() - start) / 1000, partners: count, tokens };
}

/** Reads the book as the beginning of a watch. */
export async function readByWatch(partners: Partners, headers: CallHeaders) {
  const start = performance.now();
  const end = new AbortController();
  let count = 0;
  for await (const { changes, more } of partners.watchPartnerChanges(
    {},
    { headers, signal: end.signal },
  )) {
    count += changes.length;
    if (!more) {
      break;
    }
  }
  end.abort();
  return { seconds: (performance.now() - start) / 1000, partners: count };
}

/**
 * The median times of one page, in milliseconds, in turn: the call's until the last byte of its answer
 * (Connect, Protobuf over HTTP/1.1), and its statement's.
 */
export async function measurePages(
  client: Client,
  baseUrl: string,
  headers: CallHeaders,
  organizationId: string,
  places: readonly Place[],
  tokens: readonly string[],
) {
  const horizon = await readHorizon(client);
  const service: number[] = [];
  const statement: number[] = [];
  const path = "/partner.v1.PartnerService/ListPartnerChanges";
  for (let round = 0; round < rounds; round += 1) {
    // Not the first, which asks where the book ends; nor the last, which may be shorter.
    const page = 1 + ((round * 7) % Math.max(1, tokens.length - 2));
    const [place = beginning, changeToken = ""] = [places[page], tokens[page]];
    const message = create(ListPartnerChangesRequestSchema, { changeToken, pageSize });
    const body = Buffer.from(toBinary(ListPartnerChangesRequestSchema, message));
    const call: Call = {
      ...{ method: "POST", path, body },
      headers: { ...headers, "content-type": "application/proto" },
    };
    const connection = await openHttp1Connection({ url: `${baseUrl}${path}`, call });
    service.push(
      await timed(async () => {
        const status = await connection.call();
        if (status !== 200) {
          throw new Error(`ListPartnerChanges is answered with ${status}.`);
        }
      }),
    );
    connection.close();
    statement.push(await timed(() => client.query(statementAt(organizationId, place, horizon))));
  }
  return { serviceMs: median(service), statementMs: median(statement) };
}

/** Nothing that is read is still being written: it ends before this. */
async function readHorizon(client: Client): Promise<string> {
  const { rows } = await client.query(horizonSql);
  return String(rows[0]?.horizon);
}

/** The service's own statement. */
function statementAt(organizationId: string, { change, id }: Place, horizon: string) {
  const {
    name = "",
    text,
    values,
  } = changesStatement(
    ...(["partner", "*", [organizationId, change, id, horizon], pageSize] as const),
  );
  return { name, text, values: [...values] };
}
