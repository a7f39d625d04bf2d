import type { Message } from "@bufbuild/protobuf";
import type { UnaryMethod } from "./unary-method.ts";

/**
 * Reads a request's message.
 *
 * @throws ConnectError
 */
export function readInput(
  { checkBinary, plainJson, serialization }: UnaryMethod,
  binary: boolean,
  data: Uint8Array | string,
): Message {
  if (!binary) {
    return plainJson.read(data) ?? serialization.getI(false).parse(toBytes(data));
  }
  const bytes = toBytes(data);
  checkBinary?.(bytes);
  return serialization.getI(true).parse(bytes);
}

/**
 * Writes a response's message.
 *
 * @throws ConnectError
 */
export function writeOutput(
  { plainJson, serialization }: UnaryMethod,
  binary: boolean,
  message: Message,
): Uint8Array | string {
  const plain = binary ? undefined : plainJson.write(message);
  return plain ?? serialization.getO(binary).serialize(message);
}

/** The bytes, or the text in UTF-8. */
export function toBytes(data: Uint8Array | string): Uint8Array {
  return typeof data === "string" ? Buffer.from(data) : data;
}
