import type { DescMessage, DescMethodUnary, Message } from "@bufbuild/protobuf";
import type {
  createMethodSerializationLookup,
  UniversalHandlerOptions,
} from "@connectrpc/connect/protocol";
import { createPlainJsonReader } from "./plain-json-reader.ts";
import { createPlainJsonWriter } from "./plain-json-writer.ts";

type SerializationLookup = ReturnType<typeof createMethodSerializationLookup>;
type Serialization = ReturnType<SerializationLookup["getI"]>;

/**
 * Connect's serializations of a method's messages, but for JSON that is plain: that is read and
 * written here, faster and to the same outcome.
 */
export function withPlainJson(
  serializations: SerializationLookup,
  { input, output }: Pick<DescMethodUnary, "input" | "output">,
  options: UniversalHandlerOptions,
): SerializationLookup {
  const inputJson = plainFirst(serializations.getI(false), input, options);
  const outputJson = plainFirst(serializations.getO(false), output, options);
  return {
    getI: (binary) => (binary ? serializations.getI(true) : inputJson),
    getO: (binary) => (binary ? serializations.getO(true) : outputJson),
  };
}

function plainFirst(
  all: Serialization,
  descriptor: DescMessage,
  { jsonOptions, readMaxBytes, writeMaxBytes }: UniversalHandlerOptions,
): Serialization {
  const read = createPlainJsonReader(descriptor);
  const { alwaysEmitImplicit, enumAsInteger, useProtoFieldName } = jsonOptions ?? {};
  const inForm = alwaysEmitImplicit === true && !enumAsInteger && !useProtoFieldName;
  const write = inForm ? createPlainJsonWriter(descriptor) : undefined;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const encoder = new TextEncoder();

  function readPlain(bytes: Uint8Array): Message | undefined {
    try {
      return read?.(decoder.decode(bytes));
    } catch {
      // Not UTF-8 or not JSON, for which Connect's own reader has the error.
      return undefined;
    }
  }

  return {
    parse(bytes) {
      const message = bytes.byteLength > readMaxBytes ? undefined : readPlain(bytes);
      return message ?? all.parse(bytes);
    },
    serialize(message) {
      const bytes = write && encoder.encode(write(message));
      return bytes !== undefined && bytes.byteLength <= writeMaxBytes
        ? bytes
        : all.serialize(message);
    },
  };
}
