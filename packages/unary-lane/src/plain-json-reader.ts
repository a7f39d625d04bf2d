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

/** Gives how many entries a list may have at most that is plain; undefined for one that is never. */
export type MaxItems = (field: DescField) => number | undefined;

/** A text with more objects is left to who can refuse it before it is parsed. */
const maxObjects = 1000;

/**
 * Makes a reader for JSON as clients write it most of the time: each field once and by its name in
 * lowerCamelCase, a text as a string, an enum by its name. What else Protobuf's JSON may look like
 * (https://protobuf.dev/programming-guides/json/) is left to Protobuf's own reader, and so is every
 * error. A message of proto3 is a plain object, and so what `JSON.parse` makes becomes the message: to
 * copy it field by field, and to read the text once more for names that are there twice, takes
 * several times as long.
 *
 * Fields other than texts, int32 numbers, booleans, enums and lists of messages of these are plain where
 * they are absent.
 *
 * @returns undefined for a message of which nothing is plain: one with a oneof or a map, or of proto2.
 */
export function createPlainJsonReader(
  descriptor: DescMessage,
  maxItemsOf: MaxItems = () => undefined,
): PlainJsonReader | undefined {
  const read = messageReader(descriptor, maxItemsOf, []);
  return (
    read &&
    ((text) => {
      if (text.includes("\\") || count(text, "{", maxObjects) > maxObjects) {
        return undefined;
      }
      const seen = { quotes: 0 };
      const message = read(JSON.parse(text), seen);
      // Of a name that is there twice, JSON.parse keeps one.
      return count(text, '"') === seen.quotes ? message : undefined;
    })
  );
}

/** How many quotes there are in the text of what has been read. */
interface Seen {
  quotes: number;
}

/** Answers a value, or undefined for what is left to Protobuf's own reader. */
type Read<Value = unknown> = (json: unknown, seen: Seen) => Value | undefined;

function messageReader(
  descriptor: DescMessage,
  maxItemsOf: MaxItems,
  parents: readonly DescMessage[],
): Read<Message> | undefined {
  const { typeName, file, fields, oneofs } = descriptor;
  const isRecursive = parents.includes(descriptor);
  const hasOwnForm = typeName.startsWith("google.protobuf.");
  const isPlain = oneofs.length === 0 && fields.every(({ fieldKind }) => fieldKind !== "map");
  if (isRecursive || hasOwnForm || !isPlain || file.edition !== Edition.EDITION_PROTO3) {
    return undefined;
  }
  const readers = new Map(
    fields.flatMap((field) => {
      const read =
        field.jsonName === field.localName
          ? readerOf(field, maxItemsOf, [...parents, descriptor])
          : undefined;
      return read === undefined ? [] : [[field.jsonName, read]];
    }),
  );
  /** The message's name, and what the fields without presence hold where they are not set. */
  const zeros: [string, unknown][] = Object.entries(create(descriptor));

  return (json, seen) => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      return undefined;
    }
    // An object with string keys.
    const message = json as Record<string, unknown>;
    for (const name of Object.keys(message)) {
      const value = readers.get(name)?.(message[name], seen);
      if (value === undefined) {
        return undefined;
      }
      message[name] = value;
      seen.quotes += 2;
    }
    for (const [name, value] of zeros) {
      if (!Object.hasOwn(message, name)) {
        message[name] = Array.isArray(value) ? [] : value;
      }
    }
    // It has all that a message has now.
    return json as Message;
  };
}

function readerOf(
  field: DescField,
  maxItemsOf: MaxItems,
  parents: readonly DescMessage[],
): Read | undefined {
  const { fieldKind, scalar } = field;
  if (fieldKind === "enum") {
    const numbers = new Map<unknown, number>(
      field.enum.values.map(({ name, number }) => [name, number]),
    );
    return (json, seen) => {
      seen.quotes += 2;
      return numbers.get(json);
    };
  }
  if (fieldKind === "list") {
    const read = field.message && messageReader(field.message, maxItemsOf, parents);
    return read && listReader(read, maxItemsOf(field) ?? 0);
  }
  switch (fieldKind === "scalar" && scalar) {
    case ScalarType.STRING:
      return (json, seen) => {
        seen.quotes += 2;
        return typeof json === "string" ? json : undefined;
      };
    case ScalarType.INT32:
      return (json) => (isInt32(json) ? json : undefined);
    case ScalarType.BOOL:
      return (json) => (typeof json === "boolean" ? json : undefined);
    default:
      return undefined;
  }
}

function listReader(read: Read, maxItems: number): Read {
  return (json, seen) => {
    if (!Array.isArray(json) || json.length > maxItems) {
      return undefined;
    }
    for (const [index, entry] of json.entries()) {
      const value = read(entry, seen);
      if (value === undefined) {
        return undefined;
      }
      json[index] = value;
    }
    return json;
  };
}

function isInt32(json: unknown): boolean {
  return Number.isInteger(json) && Number(json) >= -(2 ** 31) && Number(json) < 2 ** 31;
}

/** How often the text has the character, counted until there are more than the most. */
function count(text: string, character: string, most = Number.POSITIVE_INFINITY): number {
  let found = 0;
  for (
    let at = text.indexOf(character);
    at !== -1 && found <= most;
    at = text.indexOf(character, at + 1)
  ) {
    found += 1;
  }
  return found;
}
