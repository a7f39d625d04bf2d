import {
  compressionNegotiate,
  createAsyncIterable,
  invokeUnaryImplementation,
  mergeNonProtocolHeaders,
  readAllBytes,
} from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  contentTypeUnaryJson,
  contentTypeUnaryProto,
  errorToJsonBytes,
  headerContentType,
  headerTimeout,
  headerUnaryAcceptEncoding,
  headerUnaryContentLength,
  headerUnaryEncoding,
  parseTimeout,
} from "@connectrpc/connect/protocol-connect";
import type { Exchange } from "./exchange.ts";
import { LazyHeaders } from "./lazy-headers.ts";
import { readBody } from "./request-body.ts";
import { openCall, toConnectError } from "./unary-call.ts";
import type { UnaryMethod } from "./unary-method.ts";

/** The names of headers as Node has them. */
const lowerCase = {
  contentType: headerContentType.toLowerCase(),
  contentLength: headerUnaryContentLength.toLowerCase(),
};

/** Serves a unary POST of the Connect protocol (https://connectrpc.com/docs/protocol). */
export async function serveConnect(
  method: UnaryMethod,
  binary: boolean,
  exchange: Exchange,
): Promise<void> {
  const { options, serialization, spec } = method;
  const requestHeader = new LazyHeaders(exchange.request.headers);
  const timeout = parseTimeout(requestHeader.get(headerTimeout), options.maxTimeoutMs);
  const compression = compressionNegotiate(
    options.acceptCompression,
    requestHeader.get(headerUnaryEncoding),
    requestHeader.get(headerUnaryAcceptEncoding),
    headerUnaryAcceptEncoding,
  );
  const call = openCall(method, exchange, {
    protocolName: "connect",
    timeout,
    requestHeader,
    responseHeader: new LazyHeaders({
      [lowerCase.contentType]: binary ? contentTypeUnaryProto : contentTypeUnaryJson,
    }),
    responseTrailer: new LazyHeaders({}),
  });
  const { responseHeader } = call;
  let status = 200;
  let body: Uint8Array;
  try {
    await options.requestGate?.(call);
    const unacceptable = compression.error ?? timeout.error;
    if (unacceptable) {
      throw unacceptable;
    }
    const promised = requestHeader.get(headerUnaryContentLength);
    let message = await readMessage(exchange.request, options.readMaxBytes, promised);
    if (compression.request) {
      message = await compression.request.decompress(message, options.readMaxBytes);
    }
    const input = serialization.getI(binary).parse(message);
    const output = await invokeUnaryImplementation(spec, call, input, options.interceptors);
    body = serialization.getO(binary).serialize(output);
    call.end();
  } catch (failure) {
    // Comes first: who listens to the signal may complete the error.
    call.end(failure);
    const error = toConnectError(failure);
    status = codeToHttpStatus(error.code);
    responseHeader.set(headerContentType, contentTypeUnaryJson);
    if (!error.isWireError) {
      mergeNonProtocolHeaders(responseHeader, error.metadata);
    }
    body = errorToJsonBytes(error, options.jsonOptions);
  }
  if (compression.response && body.byteLength >= options.compressMinBytes) {
    body = await compression.response.compress(body);
    responseHeader.set(headerUnaryEncoding, compression.response.name);
  }
  const headers = { ...exchange.commonHeaders, ...responseHeader.toNode() };
  for (const [name, value] of Object.entries(call.responseTrailer.toNode())) {
    headers[`trailer-${name}`] = value;
  }
  headers[lowerCase.contentLength] = body.byteLength;
  exchange.response.writeHead(status, headers);
  endWith(exchange, body);
}

/**
 * Ends a response with its body. Over HTTP/1.1, Node sends a text in one piece with the head, but
 * bytes as a piece of their own, which takes longer; in Latin-1 each byte is a character.
 */
function endWith(
  { request, response }: Exchange,
  { buffer, byteOffset, byteLength }: Uint8Array,
): void {
  const body = Buffer.from(buffer, byteOffset, byteLength);
  if ("stream" in request) {
    response.end(body);
  } else {
    response.end(body.toString("latin1"), "latin1");
  }
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
      await readAllBytes(createAsyncIterable(chunks), limit, promised);
}
