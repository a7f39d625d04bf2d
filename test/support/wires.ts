import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  fromJsonString,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerParse } from "@connectrpc/connect/protocol-grpc-web";
import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { describeFailure, type Failure } from "./outcome.ts";
import { type RawAnswer, type RawHeaders, rawPosts } from "./raw-calls.ts";

/** What a call came to: the partner that was created, or how it failed. */
export type Outcome = { readonly partner: Partner | undefined } | { readonly failure: Failure };

/** What a call of any RPC came to. */
type Answer<Output extends DescMessage> =
  | { readonly message: MessageShape<Output> }
  | { readonly failure: Failure };

/** A protocol, an encoding and a version of HTTP, in which a test can say any bytes. */
export interface Wire {
  readonly encoding: "json" | "proto";
  /** The header that tells how the message is compressed. */
  readonly encodingHeader: string;
  /** The bytes of a body with a message. Messages that are compressed have a flag in some protocols. */
  frame(message: Uint8Array, compressed?: boolean): Uint8Array;
  /** Sends a body to CreatePartner with the headers, to which the content type is added. */
  send(url: string, headers: RawHeaders, body: Uint8Array): Promise<Outcome>;
  /** Sends a body to an RPC likewise. */
  call<Output extends DescMessage>(
    rpc: DescMethodUnary<DescMessage, Output>,
    url: string,
    headers: RawHeaders,
    body: Uint8Array,
  ): Promise<Answer<Output>>;
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

const unreadable = new ConnectError("The answer is not one of the protocol's.", Code.Unknown);

/** What an answer of a protocol holds: the bytes of a message, or an error. */
type Content = { readonly data: Uint8Array } | { readonly error: ConnectError };

function readConnect({ status, body }: RawAnswer): Content {
  return status === 200
    ? { data: body }
    : { error: errorFromJsonBytes(body, undefined, unreadable) };
}

function readGrpc(answer: RawAnswer): Content {
  const [message] = unpack(answer.body);
  const trailers = { ...answer.headers, ...answer.trailers };
  return readTrailers(message?.data, toHeaders(trailers));
}

function readGrpcWeb(answer: RawAnswer): Content {
  const envelopes = unpack(answer.body);
  const message = envelopes.find(({ flags }) => flags === 0);
  const trailer = envelopes.find(({ flags }) => flags === trailerFlag);
  const trailers = trailer ? trailerParse(trailer.data) : toHeaders(answer.headers);
  return readTrailers(message?.data, trailers);
}

function readTrailers(data: Uint8Array | undefined, trailers: Headers): Content {
  const error = findTrailerError(trailers);
  if (error === undefined && (data === undefined || trailers.get("grpc-status") !== "0")) {
    throw unreadable;
  }
  return error === undefined && data !== undefined ? { data } : { error: error ?? unreadable };
}

function createWire(
  protocol: "connect" | "grpc" | "grpc-web",
  encoding: Wire["encoding"],
  version: keyof typeof rawPosts,
): Wire {
  const read = { connect: readConnect, grpc: readGrpc, "grpc-web": readGrpcWeb }[protocol];
  const contentType =
    protocol === "connect" ? `application/${encoding}` : `application/${protocol}+${encoding}`;
  const wire: Wire = {
    encoding,
    encodingHeader: protocol === "connect" ? "Content-Encoding" : "Grpc-Encoding",
    frame: (message, compressed = false) =>
      protocol === "connect" ? message : envelope(message, compressed ? 1 : 0),
    async send(url, headers, body) {
      const answer = await wire.call(PartnerService.method.createPartner, url, headers, body);
      return "message" in answer ? { partner: answer.message.partner } : answer;
    },
    async call({ name, output, parent }, url, headers, body) {
      const others = headers.filter(([header]) => header.toLowerCase() !== "content-type");
      const all = [...others, ["Content-Type", contentType] as const];
      const path = `/${parent.typeName}/${name}`;
      const content = read(await rawPosts[version](url, all, body, { path }));
      if ("error" in content) {
        return { failure: describeFailure(content.error) };
      }
      const message =
        encoding === "json"
          ? fromJsonString(output, Buffer.from(content.data).toString())
          : fromBinary(output, content.data);
      return { message };
    },
  };
  return wire;
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
