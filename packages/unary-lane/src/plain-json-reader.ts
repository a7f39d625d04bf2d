import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { Edition } from "@bufbuild/protobuf/wkt";

/** Answers undefined for what is left to Protobuf's own reader. */
export type PlainJsonReader = (text: string) => Message | undefined;

/**
 * Makes a reader for JSON as clients write it most of the time: each field once and by its name in
 * lowerCamelCase, a text as a string, an enum by its name. What else Protobuf's JSON may look like
 * (https://protobuf.dev/programming-guides/json/) is left to Protobuf's own reader, and so is every
 * error. A message of proto3 is a plain object, and so what `JSON.parse` makes becomes the message: to
 * copy it field by field, and to read the text once more for names that are there twice, takes
 * several times as long.
 *
 * @returns undefined for messages with other fields than texts, int32 numbers and enums.
 */
export function createPlainJsonReader(descriptor: DescMessage): PlainJsonReader | undefined {
  const readers = new Map(
    descriptor.fields.flatMap((field) => {
      const read = field.jsonName === field.localName ? readerOf(field) : undefined;
      return read === undefined ? [] : [[field.jsonName, read]];
    }),
  );
  if (
    descriptor.file.edition !== Edition.EDITION_PROTO3 ||
    readers.size < descriptor.fields.length
  ) {
    return undefined;
  }
  /** The message's name, and what the fields without presence hold where they are not set. */
  const zeros: [string, unknown][] = Object.entries(create(descriptor));

  return (text) => {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null || Array.isArray(json) || text.includes("\\")) {
      return undefined;
    }
    // An object with string keys.
    const fields = json as Record<string, unknown>;
    let quotes = 0;
    for (const name of Object.keys(fields)) {
      const written = fields[name];
      const value = readers.get(name)?.(written);
      if (value === undefined) {
        return undefined;
      }
      fields[name] = value;
      quotes += typeof written === "string" ? 4 : 2;
    }
    // Of a name that is there twice, JSON.parse keeps one.
    if (countQuotes(text) !== quotes) {
      return undefined;
    }
    for (const [name, value] of zeros) {
      if (!Object.hasOwn(fields, name)) {
        fields[name] = value;
      }
    }
    // It has all that a message has now.
    return json as Message;
  };
}

/** Answers the field's value, or undefined for what is left to Protobuf's own reader. */
type Read = (json: unknown) => unknown;

function readerOf({ oneof, fieldKind, enum: descriptor, scalar }: DescField): Read | undefined {
  if (oneof !== undefined) {
    return undefined;
  }
  if (fieldKind === "enum") {
    const numbers = new Map<unknown, number>(
      descriptor.values.map(({ name, number }) => [name, number]),
    );
    return (json) => numbers.get(json);
  }
  switch (fieldKind === "scalar" && scalar) {
    case ScalarType.STRING:
      return (json) => (typeof json === "string" ? json : undefined);
    case ScalarType.INT32:
      return (json) => (isInt32(json) ? json : undefined);
    case ScalarType.BOOL:
      return (json) => (typeof json === "boolean" ? json : undefined);
    default:
      return undefined;
  }
}

function isInt32(json: unknown): boolean {
  return Number.isInteger(json) && Number(json) >= -(2 ** 31) && Number(json) < 2 ** 31;
}

function countQuotes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) {
    count += 1;
  }
  return count;
}
