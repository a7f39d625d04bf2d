import {
  compressionNegotiate,
  createAsyncIterable,
  envelopeCompress,
  invokeUnaryImplementation,
  pipe,
  transformDecompressEnvelope,
  transformInvokeImplementation,
  transformParseEnvelope,
  transformSplitEnvelope,
} from "@connectrpc/connect/protocol";
import {
  contentTypeJson,
  contentTypeProto,
  grpcStatusOk,
  headerAcceptEncoding,
  headerEncoding,
  headerGrpcStatus,
  headerTimeout,
  parseTimeout,
  setTrailerStatus,
} from "@connectrpc/connect/protocol-grpc";
import { type Exchange, readBody } from "./exchange.ts";
import { LazyHeaders } from "./lazy-headers.ts";
import { readInput, toBytes, writeOutput } from "./messages.ts";
import { openCall, toConnectError, type UnaryCall } from "./unary-call.ts";
import type { UnaryMethod } from "./unary-method.ts";

type Compression = ReturnType<typeof compressionNegotiate>["request"];

/** A flag of no kind, and four bytes of length, are in front of a message. */
const prefixBytes = 5;
const nothing = Buffer.alloc(0);

/** The names of headers as Node has them. */
const lowerCase = {
  timeout: headerTimeout.toLowerCase(),
  encoding: headerEncoding.toLowerCase(),
  acceptEncoding: headerAcceptEncoding.toLowerCase(),
};

/** What answers begin with. */
const protoHeaders = { "content-type": contentTypeProto };
const jsonHeaders = { "content-type": contentTypeJson };
const okTrailers = { [headerGrpcStatus.toLowerCase()]: grpcStatusOk };

/**
 * Serves a unary call of the gRPC protocol
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 */
export async function serveGrpc(
  method: UnaryMethod,
  binary: boolean,
  exchange: Exchange,
): Promise<void> {
  const { options } = method;
  const requestHeader = new LazyHeaders(exchange.request.headers);
  const timeout = parseTimeout(requestHeader.get(lowerCase.timeout), options.maxTimeoutMs);
  const compression = compressionNegotiate(
    options.acceptCompression,
    requestHeader.get(lowerCase.encoding),
    requestHeader.get(lowerCase.acceptEncoding),
    headerAcceptEncoding,
  );
  const call = openCall(method, exchange, {
    protocolName: "grpc",
    timeout,
    requestHeader,
    responseHeader: new LazyHeaders(binary ? protoHeaders : jsonHeaders),
    responseTrailer: new LazyHeaders(okTrailers),
  });
  const { responseHeader, responseTrailer } = call;
  if (compression.response) {
    responseHeader.set(headerEncoding, compression.response.name);
  }
  let body: Buffer = nothing;
  try {
    await options.requestGate?.(call);
    const unacceptable = compression.error ?? timeout.error;
    if (unacceptable) {
      throw unacceptable;
    }
    // Room for two messages tells which error a body is that is more than one message.
    const room = 2 * (options.readMaxBytes + prefixBytes);
    const chunks = await readBody(exchange.request, room);
    const message = singleMessage(chunks);
    const output =
      message === undefined
        ? await invokeWithAny(method, binary, call, chunks, compression.request)
        : await invokeUnaryImplementation(
            method.spec,
            call,
            readInput(method, binary, message),
            options.interceptors,
          );
    const plain = { flags: 0, data: toBytes(writeOutput(method, binary, output)) };
    const { flags, data } = compression.response
      ? await envelopeCompress(plain, compression.response, options.compressMinBytes)
      : plain;
    body = encodeEnvelope(flags, data);
    call.end();
  } catch (failure) {
    // Comes first: who listens to the signal may complete the error.
    call.end(failure);
    setTrailerStatus(responseTrailer, toConnectError(failure));
  }
  const { response, commonHeaders } = exchange;
  response.writeHead(200, { ...commonHeaders, ...responseHeader.toNode() });
  response.addTrailers(responseTrailer.toNode());
  response.end(body);
}

/** As Connect's own, but in memory that Node has at hand. */
function encodeEnvelope(flags: number, data: Uint8Array): Buffer {
  const envelope = Buffer.allocUnsafe(prefixBytes + data.byteLength);
  envelope.writeUInt8(flags, 0);
  envelope.writeUInt32BE(data.byteLength, 1);
  envelope.set(data, prefixBytes);
  return envelope;
}

/** The message, where the body is one that is not compressed; undefined for anything else. */
function singleMessage(chunks: readonly Uint8Array[]): Uint8Array | undefined {
  const [only] = chunks;
  const body = chunks.length === 1 && only instanceof Buffer ? only : Buffer.concat(chunks);
  const plain = body.byteLength >= prefixBytes && body.readUInt8(0) === 0;
  return plain && body.readUInt32BE(1) === body.byteLength - prefixBytes
    ? body.subarray(prefixBytes)
    : undefined;
}

/** Invokes the method with what is in the body, as Connect does: a compressed message, or an error. */
async function invokeWithAny(
  method: UnaryMethod,
  binary: boolean,
  call: UnaryCall,
  chunks: Uint8Array[],
  compression: Compression,
) {
  const { options, spec } = method;
  const messages = pipe(
    createAsyncIterable(chunks),
    transformSplitEnvelope(options.readMaxBytes),
    transformDecompressEnvelope(compression, options.readMaxBytes),
    transformParseEnvelope({
      ...method.serialization.getI(binary),
      parse: (data) => readInput(method, binary, data),
    }),
  );
  const invoke = transformInvokeImplementation(spec, call, options.interceptors);
  for await (const output of invoke(messages)) {
    return output;
  }
  throw new Error(`${spec.method.name} came to nothing.`);
}
