import type { UniversalHandler, UniversalHandlerOptions } from "@connectrpc/connect/protocol";
import type { BinaryCheck } from "./binary-check.ts";

type Options = Pick<UniversalHandlerOptions, "acceptCompression" | "readMaxBytes">;

/** The media types of messages in binary, and whether they come in envelopes. */
const mediaTypes: Readonly<Record<string, { readonly enveloped: boolean } | undefined>> = {
  "application/proto": { enveloped: false },
  "application/grpc": { enveloped: true },
  "application/grpc+proto": { enveloped: true },
  "application/grpc-web": { enveloped: true },
  "application/grpc-web+proto": { enveloped: true },
};

/** A flag of no kind, and four bytes of length, are in front of a message in an envelope. */
const prefixBytes = 5;
const compressedFlag = 1;

/**
 * Makes a handler of a unary RPC that has messages in binary checked before it decodes them, for
 * which Connect has no option. The body is held back until it has come, and then handed on as it is.
 *
 * @param check - throws what the call is to fail with
 */
export function guardHandler(
  handler: UniversalHandler,
  check: BinaryCheck,
  options: Options,
): UniversalHandler {
  const guarded = (request: Parameters<UniversalHandler>[0]) => {
    const { body, header } = request;
    const type = mediaTypes[header.get("Content-Type") ?? ""];
    if (type === undefined || !isByteStream(body)) {
      return handler(request);
    }
    const coding = header.get(type.enveloped ? "Grpc-Encoding" : "Content-Encoding");
    const compression = options.acceptCompression.find(({ name }) => name === coding);
    return handler({
      ...request,
      body: checkBody(body, options.readMaxBytes, async (bytes) => {
        const packed = type.enveloped
          ? unpack(bytes)
          : { data: bytes, compressed: compression !== undefined };
        // What cannot be decompressed Connect has the error for.
        const message = packed?.compressed
          ? await compression?.decompress(packed.data, options.readMaxBytes).catch(() => undefined)
          : packed?.data;
        if (message !== undefined) {
          check(message);
        }
      }),
    });
  };
  const { service, method, requestPath, supportedContentType, protocolNames, allowedMethods } =
    handler;
  return Object.assign(guarded, {
    ...{ service, method, requestPath, supportedContentType, protocolNames, allowedMethods },
  });
}

function isByteStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

async function* checkBody(
  body: AsyncIterable<Uint8Array>,
  readMaxBytes: number,
  check: (bytes: Uint8Array) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let length = 0;
  let checked = false;
  for await (const chunk of body) {
    length += chunk.byteLength;
    chunks.push(chunk);
    // What comes after a message of the greatest length is an error, whatever it is.
    if (checked || length > readMaxBytes + prefixBytes) {
      if (!checked) {
        await check(Buffer.concat(chunks));
        checked = true;
      }
      yield* chunks;
      chunks = [];
    }
  }
  if (!checked) {
    await check(Buffer.concat(chunks));
    yield* chunks;
  }
}

/** The first message of the envelopes; undefined if it is not whole. Another one would be an error. */
function unpack(bytes: Uint8Array) {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = body.byteLength < prefixBytes ? Infinity : prefixBytes + body.readUInt32BE(1);
  return end > body.byteLength
    ? undefined
    : {
        data: body.subarray(prefixBytes, end),
        compressed: (body.readUInt8(0) & compressedFlag) !== 0,
      };
}
