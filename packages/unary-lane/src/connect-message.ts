import type { DescMethod } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { createAsyncIterable, readAllBytes } from "@connectrpc/connect/protocol";
import { contentTypeUnaryRegExp, parseContentType } from "@connectrpc/connect/protocol-connect";
import { type Exchange, readBody } from "./exchange.ts";

/** The message of a unary request of the Connect protocol, wherever the request has it. */
export interface ConnectMessage {
  /** Whether it is Protobuf's binary form, and not JSON; its answer is of the same. */
  readonly binary: boolean;
  /** The name of its compression. */
  readonly compression: string | null;
  /** Reads it, compressed as it may be; a body that is longer than the limit is an error. */
  read(limit: number): Uint8Array | string | Promise<Uint8Array>;
}

/**
 * The message of a request of the Connect protocol, in the body of a POST or in the query of a GET.
 *
 * @returns undefined for a request that is none, or none that the method takes.
 */
export function findConnectMessage(
  request: Exchange["request"],
  url: URL,
  { idempotency }: DescMethod,
): ConnectMessage | undefined {
  const contentType = request.headers["content-type"];
  switch (request.method) {
    case "POST":
      return contentType !== undefined && contentTypeUnaryRegExp.test(contentType)
        ? messageOfPost(request, contentType)
        : undefined;
    case "GET":
      return contentType === undefined &&
        idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS
        ? messageOfGet(url)
        : undefined;
    default:
      return undefined;
  }
}

/** See https://connectrpc.com/docs/protocol#unary-request. */
function messageOfPost(request: Exchange["request"], contentType: string): ConnectMessage {
  const { headers } = request;
  return {
    binary: parseContentType(contentType)?.binary === true,
    compression: headers["content-encoding"] ?? null,
    read: (limit) => readMessage(request, limit, headers["content-length"] ?? null),
  };
}

async function readMessage(
  request: Exchange["request"],
  limit: number,
  promised: string | null,
): Promise<Uint8Array> {
  const tooLong = promised !== null && Number(promised) > limit;
  const chunks = tooLong ? [] : await readBody(request, limit);
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined && String(only.byteLength) === promised
    ? only
    : // Joins the chunks, and has the protocol's errors for lengths that are too great or do not fit.
      readAllBytes(createAsyncIterable(chunks), limit, promised);
}

/** See https://connectrpc.com/docs/protocol#unary-get-request. */
function messageOfGet({ searchParams }: URL): ConnectMessage | undefined {
  const encoding = searchParams.get("encoding");
  if (encoding !== "json" && encoding !== "proto") {
    return undefined;
  }
  return {
    binary: encoding === "proto",
    compression: searchParams.get("compression"),
    read() {
      const text = searchParams.get("message") ?? "";
      return searchParams.get("base64") === "1" ? base64Decode(text) : text;
    },
  };
}
