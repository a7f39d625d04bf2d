import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { ServerReflection } from "@partner-service/health-reflection";
import { PartnerType } from "../../gen/partner/v1/partner_pb.ts";
import {
  BatchCreatePartnersRequestSchema,
  ListPartnersRequestSchema,
} from "../../gen/partner/v1/partner_service_pb.ts";
import type { Calls } from "../calls.ts";

/** A request that is cheap to send, and may be dear to answer. */
export interface DearRequest {
  readonly title: string;
  /** Whether its sender has a good token. */
  readonly authorized: boolean;
  readonly version: "HTTP/1.1" | "HTTP/2";
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** How many partners it asks for, whose rows it may cost beside. */
  readonly rows?: number;
  /** How many questions it asks on its one stream, each of which counts by itself (1). */
  readonly questions?: number;
}

const rpc = "/partner.v1.PartnerService";
const reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const grpc = { "content-type": "application/grpc", te: "trailers" };
const json = { "content-type": "application/json" };
const proto = { "content-type": "application/proto" };
const gzipped = { "content-encoding": "gzip" };

/** The requests that are tried: without a token first. */
export function dearRequests({ headers, connect }: Calls): readonly DearRequest[] {
  const post = (title: string, rest: Partial<DearRequest>): DearRequest => ({
    title,
    authorized: false,
    version: "HTTP/1.1",
    method: "POST",
    path: `${rpc}/CreatePartner`,
    headers: json,
    body: Buffer.alloc(0),
    ...rest,
  });
  const get = (title: string, path: string): DearRequest =>
    post(title, { method: "GET", path, headers: { "accept-encoding": "br, gzip" } });
  const signed = (title: string, rest: Partial<DearRequest>): DearRequest =>
    post(title, { ...rest, authorized: true, headers: { ...headers, ...(rest.headers ?? json) } });
  const forged = headers.authorization?.replace(/.{20}$/, "AAAAAAAAAAAAAAAAAAAA") ?? "";
  const { input } = ServerReflection.method.serverReflectionInfo;
  const symbol = create(input, {
    messageRequest: { case: "fileContainingSymbol", value: "partner.v1.PartnerService" },
  });
  const question = frame(toBinary(input, symbol));
  const overlong = Buffer.from(JSON.stringify({ companyName: "x".repeat(65_000) }));

  return [
    post("reflection of the service, answer in Brotli", {
      version: "HTTP/2",
      path: reflection,
      headers: { ...grpc, "grpc-accept-encoding": "br" },
      body: question,
    }),
    post("each of 512 reflection questions on one stream", {
      questions: 512,
      version: "HTTP/2",
      path: reflection,
      headers: { ...grpc, "grpc-accept-encoding": "br" },
      body: Buffer.concat(Array.from({ length: 512 }, () => question)),
    }),
    post("a health check", {
      version: "HTTP/2",
      path: "/grpc.health.v1.Health/Check",
      headers: grpc,
      body: frame(Buffer.alloc(0)),
    }),
    get("the OpenAPI document", "/openapi.json"),
    get("the page of /docs", "/docs"),
    get("/readyz", "/readyz"),
    get("a path that is not there", "/nothing"),
    post("a create without a token, 64 KB long", { body: overlong }),
    post("a create with a forged token", {
      headers: { ...json, ...headers, authorization: forged },
      body: connect.create.body,
    }),
    post("an RPC that is not there, by gRPC", {
      version: "HTTP/2",
      path: "/partner.v1.PartnerService/Nothing",
      headers: grpc,
      body: frame(Buffer.alloc(0)),
    }),
    signed("a list of 100, answer in Brotli", {
      path: `${rpc}/ListPartners`,
      headers: { ...json, "accept-encoding": "br" },
      body: Buffer.from('{"pageSize":100}'),
      rows: 100,
    }),
    signed("a list for 65,000 partner types, gzip", {
      path: `${rpc}/ListPartners`,
      headers: { ...proto, ...gzipped },
      body: gzipSync(
        toBinary(
          ListPartnersRequestSchema,
          create(ListPartnersRequestSchema, {
            filters: { partnerTypes: Array.from({ length: 65_000 }, () => PartnerType.CUSTOMER) },
          }),
        ),
      ),
    }),
    signed("a list for a text of 255 wildcards", {
      path: `${rpc}/ListPartners`,
      body: Buffer.from(JSON.stringify({ filters: { text: "%_".repeat(127) } })),
    }),
    signed("a batch of 1,000,000 empty entries, gzip", {
      path: `${rpc}/BatchCreatePartners`,
      headers: { ...proto, ...gzipped },
      body: gzipSync(
        toBinary(
          BatchCreatePartnersRequestSchema,
          create(BatchCreatePartnersRequestSchema, {
            requests: Array.from({ length: 1_000_000 }, () => ({})),
          }),
        ),
      ),
    }),
    signed("a batch of 600,000 empty entries, JSON, gzip", {
      path: `${rpc}/BatchCreatePartners`,
      headers: { ...json, ...gzipped },
      body: gzipSync(`{"requests":[${Array.from({ length: 600_000 }, () => "{}").join()}]}`),
    }),
    signed("a batch of 100 entries without a good field", {
      path: `${rpc}/BatchCreatePartners`,
      body: Buffer.from(JSON.stringify({ requests: Array.from({ length: 100 }, () => ({})) })),
    }),
    signed("an update with 20 paths that are not there", {
      path: `${rpc}/UpdatePartner`,
      body: Buffer.from(
        JSON.stringify({
          partner: { id: crypto.randomUUID() },
          updateMask: Array.from({ length: 20 }, (_, index) => `nothing${index}`).join(),
        }),
      ),
    }),
    signed("10,000 fields that are not there", {
      body: Buffer.from(
        `{${Array.from({ length: 5000 }, (_, index) => `"field${index}":1`).join()}}`,
      ),
    }),
    signed("lists nested 30,000 deep", {
      body: Buffer.from(`{"companyName":${"[".repeat(30_000)}${"]".repeat(30_000)}}`),
    }),
    signed("an e-mail address of 64 KB", {
      body: Buffer.from(JSON.stringify({ email: `${"a.".repeat(32_000)}@` })),
    }),
  ];
}

/** A gRPC message: one byte that says "uncompressed", four of length, the message. */
function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
