import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { Edition, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";

export type PlainJsonWriter = (message: Message) => string;

/**
 * Makes a writer of JSON, unset fields included, for messages of proto3 that hold texts, int32
 * numbers, enums, timestamps, messages of their kind, and lists of these. It writes what Protobuf's
 * own writer writes (https://protobuf.dev/programming-guides/json/), without the checks of each value's
 * type.
 *
 * @returns undefined for a message that has other fields.
 */
export function createPlainJsonWriter(descriptor: DescMessage): PlainJsonWriter | undefined {
  const convert = messageConverter(descriptor, []);
  return convert && ((message) => JSON.stringify(convert(message)));
}

/** Makes of a value, whose type follows from its field's descriptor, what `JSON.stringify` writes it from. */
type Convert = (value: unknown) => unknown;

/** The value is written as it is. */
const asItIs: Convert = (value) => value;

/** Names that an object has in the order in which they are given to it. */
const plainName = /^[a-z]\w*$/i;

function messageConverter(
  descriptor: DescMessage,
  parents: readonly DescMessage[],
): Convert | undefined {
  const { typeName, file } = descriptor;
  if (typeName === TimestampSchema.typeName) {
    return writeTimestamp;
  }
  const hasOwnForm = typeName.startsWith("google.protobuf.");
  const isRecursive = parents.includes(descriptor);
  if (hasOwnForm || isRecursive || file.edition !== Edition.EDITION_PROTO3) {
    return undefined;
  }
  const fields = descriptor.fields
    .toSorted((a, b) => a.number - b.number)
    .flatMap((field) => {
      const convert = fieldConverter(field, [...parents, descriptor]);
      return convert === undefined || !plainName.test(field.jsonName) ? [] : { field, convert };
    });
  if (fields.length < descriptor.fields.length) {
    return undefined;
  }
  // A message has a property for each field that is set, or has no presence, and JSON.stringify leaves out
  // what is undefined. Code that names the fields takes half of what it takes to go through them.
  const members = fields.map(({ field: { jsonName, localName }, convert }, index) => {
    const value = `message[${JSON.stringify(localName)}]`;
    const converted = `${value} === undefined ? undefined : converters[${index}](${value})`;
    return `${JSON.stringify(jsonName)}: ${convert === asItIs ? value : converted}`;
  });
  const code = `return (message) => ({ ${members.join(", ")} });`;
  // It is of this type as it is written here, whatever the fields are.
  return new Function("converters", code)(fields.map(({ convert }) => convert)) as Convert;
}

function fieldConverter(field: DescField, parents: readonly DescMessage[]): Convert | undefined {
  if (field.oneof !== undefined || field.fieldKind === "map") {
    return undefined;
  }
  const convert =
    field.scalar !== undefined
      ? scalarConverter(field.scalar)
      : field.enum !== undefined
        ? enumConverter(field.enum)
        : messageConverter(field.message, parents);
  if (field.fieldKind !== "list") {
    return convert;
  }
  if (convert === undefined) {
    return refuseEntries;
  }
  // The value of a list's field is an array.
  return (items) => (items as readonly unknown[]).map(convert);
}

/** Is thrown where a message turns out to hold what is not plain. */
export const notPlain = new Error("The message is not plain.");

function refuseEntries(items: unknown): unknown {
  if (Array.isArray(items) && items.length > 0) {
    throw notPlain;
  }
  return items;
}

function scalarConverter(scalar: ScalarType): Convert | undefined {
  return scalar === ScalarType.STRING || scalar === ScalarType.INT32 ? asItIs : undefined;
}

function enumConverter({ typeName, values }: DescEnum): Convert | undefined {
  const names = new Map<unknown, string>(values.map(({ number, jsonName }) => [number, jsonName]));
  // A number without a name stands for itself.
  return typeName.startsWith("google.protobuf.")
    ? undefined
    : (number) => names.get(number) ?? number;
}

const firstSecond = Date.parse("0001-01-01T00:00:00Z") / 1000;
const lastSecond = Date.parse("9999-12-31T23:59:59Z") / 1000;

function writeTimestamp(value: unknown): unknown {
  // Its field's descriptor says so.
  const timestamp = value as Timestamp;
  const { nanos } = timestamp;
  const second = Number(timestamp.seconds);
  if (second < firstSecond || second > lastSecond || nanos < 0 || nanos > 999_999_999) {
    // Has the error for it.
    return toJson(TimestampSchema, timestamp);
  }
  // What is joined stays in pieces, of which V8 makes JSON in a slow way: in upper case, as it is already, it is whole.
  return `${formatSecond(second)}${fractionOf(nanos)}Z`.toUpperCase();
}

let last = { second: Number.NaN, text: "" };

/** The last one is remembered, because most that are written in a row are of the same second. */
function formatSecond(second: number): string {
  if (second !== last.second) {
    const text = new Date(second * 1000).toISOString().slice(0, "0000-00-00T00:00:00".length);
    last = { second, text };
  }
  return last.text;
}

/** None, 3, 6 or 9 digits, as many as it takes. */
function fractionOf(nanos: number): string {
  if (nanos === 0) {
    return "";
  }
  // With a 1 in front all nine are there.
  const digits = String(1_000_000_000 + nanos);
  const end = nanos % 1000 !== 0 ? 10 : nanos % 1_000_000 !== 0 ? 7 : 4;
  return `.${digits.slice(1, end)}`;
}
