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
import { readInput, toBytes, writeOutput } from "./messages.ts";
import { openCall, toConnectError } from "./unary-call.ts";
import type { UnaryMethod } from "./unary-method.ts";

/** The names of headers as Node has them. */
const lowerCase = {
  contentLength: headerUnaryContentLength.toLowerCase(),
  timeout: headerTimeout.toLowerCase(),
  acceptEncoding: headerUnaryAcceptEncoding.toLowerCase(),
};

/** What answers begin with. */
const protoHeaders = { "content-type": contentTypeUnaryProto };
const jsonHeaders = { "content-type": contentTypeUnaryJson };

/** Serves a unary call of the Connect protocol (https://connectrpc.com/docs/protocol). */
export async function serveConnect(
  method: UnaryMethod,
  message: ConnectMessage,
  exchange: Exchange,
): Promise<void> {
  const { options, spec } = method;
  const { binary } = message;
  const requestHeader = new LazyHeaders(exchange.request.headers);
  const timeout = parseTimeout(requestHeader.get(lowerCase.timeout), options.maxTimeoutMs);
  const compression = compressionNegotiate(
    options.acceptCompression,
    message.compression,
    requestHeader.get(lowerCase.acceptEncoding),
    headerUnaryAcceptEncoding,
  );
  const call = openCall(method, exchange, {
    protocolName: "connect",
    timeout,
    requestHeader,
    responseHeader: new LazyHeaders(binary ? protoHeaders : jsonHeaders),
    responseTrailer: new LazyHeaders({}),
  });
  const { responseHeader } = call;
  let status = 200;
  let body: Uint8Array | string;
  try {
    await options.requestGate?.(call);
    const unacceptable = compression.error ?? timeout.error;
    if (unacceptable) {
      throw unacceptable;
    }
    let data = await message.read(options.readMaxBytes);
    if (compression.request) {
      data = await compression.request.decompress(toBytes(data), options.readMaxBytes);
    }
    const input = readInput(method, binary, data);
    const output = await invokeUnaryImplementation(spec, call, input, options.interceptors);
    body = writeOutput(method, binary, output);
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
  if (compression.response && Buffer.byteLength(body) >= options.compressMinBytes) {
    body = await compression.response.compress(toBytes(body));
    responseHeader.set(headerUnaryEncoding, compression.response.name);
  }
  const headers = { ...exchange.commonHeaders, ...responseHeader.toNode() };
  for (const [name, value] of Object.entries(call.responseTrailer.toNode())) {
    headers[`trailer-${name}`] = value;
  }
  headers[lowerCase.contentLength] = Buffer.byteLength(body);
  exchange.response.writeHead(status, headers);
  exchange.response.end(body);
}
