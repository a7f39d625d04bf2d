import { fromBinary, fromJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerParse } from "@connectrpc/connect/protocol-grpc-web";
import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import { CreatePartnerResponseSchema } from "../../gen/partner/v1/partner_service_pb.ts";
import { describeFailure, type Failure } from "./outcome.ts";
import { type RawAnswer, type RawHeaders, rawPosts } from "./raw-calls.ts";

/** What a call came to: the partner that was created, or how it failed. */
export type Outcome = { readonly partner: Partner | undefined } | { readonly failure: Failure };

/** A protocol, an encoding and a version of HTTP, in which a test can say any bytes. */
export interface Wire {
  readonly encoding: "json" | "proto";
  /** The header that tells how the message is compressed. */
  readonly encodingHeader: string;
  /** The bytes of a body with a message. Messages that are compressed have a flag in some protocols. */
  frame(message: Uint8Array, compressed?: boolean): Uint8Array;
  /** Sends a body with the headers, to which the content type is added. */
  send(url: string, headers: RawHeaders, body: Uint8Array): Promise<Outcome>;
}

/** A message with its flags and its length in front, as gRPC has it; the length may lie. */
export function envelope(message: Uint8Array, flags = 0, length = message.byteLength): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

function unpack(body: Buffer): { flags: number; data: Buffer }[] {
  const envelopes = [];
  for (let offset = 0; offset < body.length; ) {
    const end = offset + 5 + body.readUInt32BE(offset + 1);
    envelopes.push({ flags: body.readUInt8(offset), data: body.subarray(offset + 5, end) });
    offset = end;
  }
  return envelopes;
}

function toHeaders(headers: RawAnswer["headers"]): Headers {
  return new Headers(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      typeof value === "string" && !name.startsWith(":") ? [[name, value]] : [],
    ),
  );
}

function readPartner(encoding: Wire["encoding"], data: Uint8Array): Outcome {
  const response =
    encoding === "json"
      ? fromJsonString(CreatePartnerResponseSchema, Buffer.from(data).toString())
      : fromBinary(CreatePartnerResponseSchema, data);
  return { partner: response.partner };
}

const unreadable = new ConnectError("The answer is not one of the protocol's.", Code.Unknown);

function readConnect(encoding: Wire["encoding"], { status, body }: RawAnswer): Outcome {
  return status === 200
    ? readPartner(encoding, body)
    : { failure: describeFailure(errorFromJsonBytes(body, undefined, unreadable)) };
}

function readGrpc(encoding: Wire["encoding"], answer: RawAnswer): Outcome {
  const [message] = unpack(answer.body);
  const trailers = { ...answer.headers, ...answer.trailers };
  return readTrailers(encoding, message?.data, toHeaders(trailers));
}

function readGrpcWeb(encoding: Wire["encoding"], answer: RawAnswer): Outcome {
  const envelopes = unpack(answer.body);
  const message = envelopes.find(({ flags }) => flags === 0);
  const trailer = envelopes.find(({ flags }) => flags === trailerFlag);
  const trailers = trailer ? trailerParse(trailer.data) : toHeaders(answer.headers);
  return readTrailers(encoding, message?.data, trailers);
}

function readTrailers(encoding: Wire["encoding"], data: Uint8Array | undefined, trailers: Headers) {
  const error = findTrailerError(trailers);
  if (error === undefined && (data === undefined || trailers.get("grpc-status") !== "0")) {
    throw unreadable;
  }
  return error === undefined && data !== undefined
    ? readPartner(encoding, data)
    : { failure: describeFailure(error ?? unreadable) };
}

function createWire(
  protocol: "connect" | "grpc" | "grpc-web",
  encoding: Wire["encoding"],
  version: keyof typeof rawPosts,
): Wire {
  const read = { connect: readConnect, grpc: readGrpc, "grpc-web": readGrpcWeb }[protocol];
  const contentType =
    protocol === "connect" ? `application/${encoding}` : `application/${protocol}+${encoding}`;
  return {
    encoding,
    encodingHeader: protocol === "connect" ? "Content-Encoding" : "Grpc-Encoding",
    frame: (message, compressed = false) =>
      protocol === "connect" ? message : envelope(message, compressed ? 1 : 0),
    async send(url, headers, body) {
      const others = headers.filter(([name]) => name.toLowerCase() !== "content-type");
      const all = [...others, ["Content-Type", contentType] as const];
      return read(encoding, await rawPosts[version](url, all, body));
    },
  };
}

export const wires: Readonly<Record<string, Wire>> = {
  "Connect JSON, HTTP/1.1": createWire("connect", "json", "HTTP/1.1"),
  "Connect JSON, HTTP/2": createWire("connect", "json", "HTTP/2"),
  "Connect binary, HTTP/1.1": createWire("connect", "proto", "HTTP/1.1"),
  "Connect binary, HTTP/2": createWire("connect", "proto", "HTTP/2"),
  "gRPC binary, HTTP/2": createWire("grpc", "proto", "HTTP/2"),
  "gRPC JSON, HTTP/2": createWire("grpc", "json", "HTTP/2"),
  "gRPC-Web binary, HTTP/1.1": createWire("grpc-web", "proto", "HTTP/1.1"),
  "gRPC-Web binary, HTTP/2": createWire("grpc-web", "proto", "HTTP/2"),
  "gRPC-Web JSON, HTTP/1.1": createWire("grpc-web", "json", "HTTP/1.1"),
};
