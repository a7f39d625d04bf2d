import type { Message } from "@bufbuild/protobuf";
import type { UnaryMethod } from "./unary-method.ts";

/**
 * Reads a request's message.
 *
 * @throws ConnectError
 */
export function readInput(
  { plainJson, serialization }: UnaryMethod,
  binary: boolean,
  data: Uint8Array | string,
): Message {
  const plain = binary ? undefined : plainJson.read(data);
  return plain ?? serialization.getI(binary).parse(toBytes(data));
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
