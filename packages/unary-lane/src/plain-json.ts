import { channel } from "node:diagnostics_channel";
import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { UniversalHandlerOptions } from "@connectrpc/connect/protocol";
import { createPlainJsonReader, type MaxItems } from "./plain-json-reader.ts";
import { createPlainJsonWriter, notPlain, type PlainJsonWriter } from "./plain-json-writer.ts";

/**
 * Reads and writes the messages of a method in JSON that is plain, faster than Protobuf's own reader
 * and writer and to the same outcome. Whatever it answers undefined for is left to these: JSON that
 * is not plain, that is none, or that is longer than the options allow.
 */
export interface PlainJson {
  read(json: Uint8Array | string): Message | undefined;
  write(message: Message): string | undefined;
}

/** The options for JSON that change nothing of what is plain; with any other, nothing is. */
const plainOptions: ReadonlySet<string> = new Set([
  ...["alwaysEmitImplicit", "ignoreUnknownFields", "registry", "recursionLimit", "textDecoder"],
]);

/** Are told of each message that was read or written as plain JSON. */
const reads = channel("unary-lane.json-read");
const writes = channel("unary-lane.json-write");

/** Makes the reader of a method's requests and the writer of its responses. */
export function createPlainJson(
  { input, output }: Pick<DescMethodUnary, "input" | "output">,
  { jsonOptions, readMaxBytes, writeMaxBytes }: UniversalHandlerOptions,
  maxItemsOf?: MaxItems,
): PlainJson {
  const options = Object.entries(jsonOptions ?? {}).filter(([, value]) => value !== undefined);
  const isPlain = options.every(([name]) => plainOptions.has(name));
  const read = isPlain ? createPlainJsonReader(input, maxItemsOf) : undefined;
  const emitsAll = isPlain && jsonOptions?.alwaysEmitImplicit === true;
  const write = emitsAll ? createPlainJsonWriter(output) : undefined;
  const decoder = new TextDecoder("utf-8", { fatal: true });

  return {
    read(json) {
      if (Buffer.byteLength(json) > readMaxBytes) {
        return undefined;
      }
      try {
        const message = read?.(typeof json === "string" ? json : decoder.decode(json));
        if (message !== undefined && reads.hasSubscribers) {
          reads.publish({ message: input.typeName });
        }
        return message;
      } catch {
        // Not UTF-8 or not JSON, for which Connect's own reader has the error.
        return undefined;
      }
    },
    write(message) {
      const text = write && writePlain(write, message);
      if (text === undefined || Buffer.byteLength(text) > writeMaxBytes) {
        return undefined;
      }
      if (writes.hasSubscribers) {
        writes.publish({ message: output.typeName });
      }
      return text;
    },
  };
}

function writePlain(write: PlainJsonWriter, message: Message): string | undefined {
  try {
    return write(message);
  } catch (failure) {
    if (failure === notPlain) {
      return undefined;
    }
    throw failure;
  }
}
