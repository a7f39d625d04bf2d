import { generateKeyPairSync, randomUUID } from "node:crypto";
import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { SignJWT } from "jose";
import { PartnerType } from "../gen/partner/v1/partner_pb.ts";
import { CreatePartnerRequestSchema } from "../gen/partner/v1/partner_service_pb.ts";

export const rpcPath = "/partner.v1.PartnerService/CreatePartner";
export const issuer = "https://issuer.bench";
export const audience = "partner-bench";

/** The one call that every contender gets, in the two forms that it is sent in. */
export interface Call {
  /** The key that its token is verified with, as PEM. */
  readonly publicKey: string;
  readonly json: Encoded;
  readonly grpc: Encoded;
}

export interface Encoded {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Makes the call: the contract's own examples, and a token such as most issuers sign (RS256). */
export async function createCall(): Promise<Call> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const organization = randomUUID();
  const token = await new SignJWT({ org_id: organization, scope: "partners:read partners:write" })
    .setProtectedHeader({ alg: "RS256", typ: "at+jwt" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject("bench")
    .setIssuedAt()
    .setExpirationTime("1d")
    .sign(privateKey);
  const headers = {
    authorization: `Bearer ${token}`,
    "requester-organization-id": organization,
    "target-organization-id": organization,
  };
  const request = create(CreatePartnerRequestSchema, {
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
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
    json: {
      headers: { ...headers, "content-type": "application/json" },
      body: Buffer.from(JSON.stringify(toJson(CreatePartnerRequestSchema, request))),
    },
    grpc: {
      headers: { ...headers, "content-type": "application/grpc", te: "trailers" },
      body: frame(toBinary(CreatePartnerRequestSchema, request)),
    },
  };
}

/** A gRPC message: one byte that says "uncompressed", four of length, the message. */
function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
