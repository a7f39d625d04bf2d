import {
  compressionNegotiate,
  invokeUnaryImplementation,
  mergeNonProtocolHeaders,
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
import type { ConnectMessage } from "./connect-message.ts";
import type { Exchange } from "./exchange.ts";
import { LazyHeaders } from "./lazy-headers.ts";
import { openCall, toConnectError } from "./unary-call.ts";
import type { UnaryMethod } from "./unary-method.ts";

/** The names of headers as Node has them. */
const lowerCase = {
  contentType: headerContentType.toLowerCase(),
  contentLength: headerUnaryContentLength.toLowerCase(),
};

/** Serves a unary call of the Connect protocol (https://connectrpc.com/docs/protocol). */
export async function serveConnect(
  method: UnaryMethod,
  message: ConnectMessage,
  exchange: Exchange,
): Promise<void> {
  const { options, serialization, spec } = method;
  const { binary } = message;
  const requestHeader = new LazyHeaders(exchange.request.headers);
  const timeout = parseTimeout(requestHeader.get(headerTimeout), options.maxTimeoutMs);
  const compression = compressionNegotiate(
    options.acceptCompression,
    message.compression,
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
    let bytes = await message.read(options.readMaxBytes);
    if (compression.request) {
      bytes = await compression.request.decompress(bytes, options.readMaxBytes);
    }
    const input = serialization.getI(binary).parse(bytes);
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
