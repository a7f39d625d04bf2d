import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  toJsonString,
} from "@bufbuild/protobuf";
import { Edition, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";

export type PlainJsonWriter = (message: Message) => string;

/**
 * Makes a writer of JSON, unset fields included, for messages of proto3 that hold texts, int32
 * numbers, enums, timestamps, messages of their kind, and lists of these. It writes what Protobuf's
 * own writer writes (https://protobuf.dev/programming-guides/json/), without the object in between
 * and the checks of each value's type.
 *
 * @returns undefined for a message that has other fields.
 */
export function createPlainJsonWriter(descriptor: DescMessage): PlainJsonWriter | undefined {
  return messageWriter(descriptor, []);
}

/** Writes a value, whose type follows from its field's descriptor. */
type Write = (value: unknown) => string;

function messageWriter(
  descriptor: DescMessage,
  parents: readonly DescMessage[],
): Write | undefined {
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
      const write = fieldWriter(field, [...parents, descriptor]);
      return write === undefined
        ? []
        : { localName: field.localName, label: `${JSON.stringify(field.jsonName)}:`, write };
    });
  if (fields.length < descriptor.fields.length) {
    return undefined;
  }
  // A message has a property for each field that is set, or has no presence. Code that names them takes
  // half of what it takes to go through the fields.
  const parts = fields.map(
    ({ localName, label }, index) => `
      const v${index} = message[${JSON.stringify(localName)}];
      if (v${index} !== undefined) {
        text += text === "{" ? ${JSON.stringify(label)} : ${JSON.stringify(`,${label}`)};
        text += writers[${index}](v${index});
      }`,
  );
  const code = `return (message) => { let text = "{"; ${parts.join("")} return text + "}"; };`;
  // It is of this type as it is written here, whatever the fields are.
  return new Function("writers", code)(fields.map(({ write }) => write)) as Write;
}

function fieldWriter(field: DescField, parents: readonly DescMessage[]): Write | undefined {
  if (field.oneof !== undefined || field.fieldKind === "map") {
    return undefined;
  }
  const write =
    field.scalar !== undefined
      ? scalarWriter(field.scalar)
      : field.enum !== undefined
        ? enumWriter(field.enum)
        : messageWriter(field.message, parents);
  if (field.fieldKind !== "list") {
    return write;
  }
  if (write === undefined) {
    return writeEmptyList;
  }
  // The value of a list's field is an array.
  return (items) => `[${(items as readonly unknown[]).map((item) => write(item)).join()}]`;
}

/** Is thrown where a message turns out to hold what is not plain. */
export const notPlain = new Error("The message is not plain.");

function writeEmptyList(items: unknown): string {
  if (Array.isArray(items) && items.length > 0) {
    throw notPlain;
  }
  return "[]";
}

function scalarWriter(scalar: ScalarType): Write | undefined {
  switch (scalar) {
    case ScalarType.STRING:
      return (text) => JSON.stringify(text);
    case ScalarType.INT32:
      return String;
    default:
      return undefined;
  }
}

function enumWriter({ typeName, values }: DescEnum): Write | undefined {
  const names = new Map<unknown, string>(
    values.map(({ number, jsonName }) => [number, JSON.stringify(jsonName)]),
  );
  // A number without a name stands for itself.
  return typeName.startsWith("google.protobuf.")
    ? undefined
    : (number) => names.get(number) ?? String(number);
}

const firstSecond = Date.parse("0001-01-01T00:00:00Z") / 1000;
const lastSecond = Date.parse("9999-12-31T23:59:59Z") / 1000;

function writeTimestamp(value: unknown): string {
  // Its field's descriptor says so.
  const timestamp = value as Timestamp;
  const { nanos } = timestamp;
  const second = Number(timestamp.seconds);
  if (second < firstSecond || second > lastSecond || nanos < 0 || nanos > 999_999_999) {
    // Has the error for it.
    return toJsonString(TimestampSchema, timestamp);
  }
  return `"${formatSecond(second)}${fractionOf(nanos)}Z"`;
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
  const digits = String(nanos).padStart(9, "0");
  if (nanos % 1000 !== 0) {
    return `.${digits}`;
  }
  return nanos % 1_000_000 === 0 ? `.${digits.slice(0, 3)}` : `.${digits.slice(0, 6)}`;
}
