import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { UniversalHandlerOptions } from "@connectrpc/connect/protocol";
import { createPlainJsonReader } from "./plain-json-reader.ts";
import { createPlainJsonWriter } from "./plain-json-writer.ts";

/**
 * Reads and writes the messages of a method in JSON that is plain, faster than Protobuf's own reader
 * and writer and to the same outcome. Whatever it answers undefined for is left to these: JSON that
 * is not plain, that is none, or that is longer than the options allow.
 */
export interface PlainJson {
  read(json: Uint8Array | string): Message | undefined;
  write(message: Message): string | undefined;
}

/** Makes the reader of a method's requests and the writer of its responses. */
export function createPlainJson(
  { input, output }: Pick<DescMethodUnary, "input" | "output">,
  { jsonOptions, readMaxBytes, writeMaxBytes }: UniversalHandlerOptions,
): PlainJson {
  const read = createPlainJsonReader(input);
  const { alwaysEmitImplicit, enumAsInteger, useProtoFieldName } = jsonOptions ?? {};
  const inForm = alwaysEmitImplicit === true && !enumAsInteger && !useProtoFieldName;
  const write = inForm ? createPlainJsonWriter(output) : undefined;
  const decoder = new TextDecoder("utf-8", { fatal: true });

  return {
    read(json) {
      if (Buffer.byteLength(json) > readMaxBytes) {
        return undefined;
      }
      try {
        return read?.(typeof json === "string" ? json : decoder.decode(json));
      } catch {
        // Not UTF-8 or not JSON, for which Connect's own reader has the error.
        return undefined;
      }
    },
    write(message) {
      const text = write?.(message);
      return text !== undefined && Buffer.byteLength(text) <= writeMaxBytes ? text : undefined;
    },
  };
}
