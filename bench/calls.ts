import { generateKeyPairSync, randomUUID } from "node:crypto";
import { create, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { SignJWT } from "jose";
import { PartnerType } from "../gen/partner/v1/partner_pb.ts";
import {
  BatchCreatePartnersRequestSchema,
  CreatePartnerRequestSchema,
  GetPartnerRequestSchema,
  ListPartnersRequestSchema,
} from "../gen/partner/v1/partner_service_pb.ts";
import { type Book, createBook } from "./book.ts";

export const issuer = "https://issuer.bench";
export const audience = "partner-bench";

export type Operation = "create" | "get" | "list";

/** A call as it is sent. */
export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for GET. */
  readonly body: Buffer;
  /** The partners that its answer holds, in order; absent where the call creates them. */
  readonly partnerIds?: readonly string[];
  /** How many partners it creates (1). */
  readonly creates?: number;
}

/** The calls that contenders get, in the forms that they are sent in. */
export interface Calls {
  /** The key that their token is verified with, as PEM. */
  readonly publicKey: string;
  /** The token and the organizations, which each call carries. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same for another organization. */
  readonly headersFor: (organizationId: string) => Promise<Readonly<Record<string, string>>>;
  /** What must be there before anything is read. */
  readonly book: Book;
  readonly connect: Readonly<Record<Operation, Call>>;
  readonly rest: Readonly<Record<Operation, Call>>;
  readonly grpc: Readonly<Record<Operation, Call>>;
  /** A hundred creates in one call. */
  readonly batch: Readonly<Record<"connect" | "grpc", Call>>;
}

const pageSize = 20;
export const batchSize = 100;
const rpcPath = "/partner.v1.PartnerService";

/**
 * Makes the calls: a create of the contract's own examples, a get of one partner of a book, a list
 * of its first page, and a token such as most issuers sign (RS256).
 */
export async function createCalls(): Promise<Calls> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const organizationId = randomUUID();
  const headersFor = async (organization: string) => {
    const token = await new SignJWT({ org_id: organization, scope: "partners:read partners:write" })
      .setProtectedHeader({ alg: "RS256", typ: "at+jwt" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject("bench")
      .setIssuedAt()
      .setExpirationTime("1d")
      .sign(privateKey);
    return {
      authorization: `Bearer ${token}`,
      "requester-organization-id": organization,
      "target-organization-id": organization,
    };
  };
  const headers = await headersFor(organizationId);
  const post = (path: string, content: JsonValue): Call => ({
    method: "POST",
    path,
    headers: { ...headers, "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(content)),
  });
  const get = (path: string): Call => ({ method: "GET", path, headers, body: Buffer.alloc(0) });

  const connectGet = (method: string, content: JsonValue): Call => {
    const message = encodeURIComponent(JSON.stringify(content));
    return get(`${rpcPath}/${method}?connect=v1&encoding=json&message=${message}`);
  };

  const grpc = (method: string, message: Uint8Array): Call => ({
    method: "POST",
    path: `${rpcPath}/${method}`,
    headers: { ...headers, "content-type": "application/grpc", te: "trailers" },
    body: frame(message),
  });

  const request = toJson(CreatePartnerRequestSchema, partner);
  const batch = create(BatchCreatePartnersRequestSchema, {
    requests: Array.from({ length: batchSize }, () => partner),
  });
  const book = createBook(organizationId);
  const { partnerId: id } = book;
  const found = { partnerIds: [id] };
  const page = { partnerIds: book.partnerIds.slice(0, pageSize) };
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
    headers,
    headersFor,
    book,
    connect: {
      create: post(`${rpcPath}/CreatePartner`, request),
      get: { ...connectGet("GetPartner", { id }), ...found },
      list: { ...connectGet("ListPartners", { pageSize }), ...page },
    },
    rest: {
      create: post("/partners", request),
      get: { ...get(`/partners/${id}`), ...found },
      list: { ...get(`/partners?pageSize=${pageSize}`), ...page },
    },
    grpc: {
      create: grpc("CreatePartner", toBinary(CreatePartnerRequestSchema, partner)),
      get: grpc(
        "GetPartner",
        toBinary(GetPartnerRequestSchema, create(GetPartnerRequestSchema, { id })),
      ),
      list: grpc(
        "ListPartners",
        toBinary(ListPartnersRequestSchema, create(ListPartnersRequestSchema, { pageSize })),
      ),
    },
    batch: {
      connect: {
        ...post(`${rpcPath}/BatchCreatePartners`, toJson(BatchCreatePartnersRequestSchema, batch)),
        creates: batchSize,
      },
      grpc: grpc("BatchCreatePartners", toBinary(BatchCreatePartnersRequestSchema, batch)),
    },
  };
}

/** What each create asks for. */
export const partner = create(CreatePartnerRequestSchema, {
  companyName: "Example Supplies Ltd",
  salesAmount: 150000,
  partnerType: PartnerType.CUSTOMER,
  email: "partner@example.com",
  frequency: "monthly",
  paymentTerms: "Net 30",
  address: "123 Main St, Suite 400",
  city: "New York",
  state: "NY",
  postalCode: "12345",
  companyRegistrationNumber: "123456789",
  countryCode: "US",
});

/** A gRPC message: one byte that says "uncompressed", four of length, the message. */
function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
