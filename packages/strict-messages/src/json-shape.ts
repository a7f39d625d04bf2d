import {
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  ScalarType,
} from "@bufbuild/protobuf";
import { echo } from "./fitting.ts";
import { textOf } from "./json-reader.ts";
import { suggest } from "./suggestion.ts";
import { leastOf, maxItemsOf } from "./violation.ts";

/** What becomes of fields and enum values whose names the contract does not know. */
export type UnknownNames = "refuse" | "ignore";

/** What a message in JSON must look like. */
export interface MessageShape {
  /** By each of its names. */
  readonly fields: Map<string, FieldShape>;
  readonly jsonNames: readonly string[];
}

export interface FieldShape {
  readonly name: string;
  readonly kind: "single" | "list" | "map";
  readonly maxItems: number;
  readonly value: ValueShape;
}

export interface ValueShape {
  /** That of a message; undefined for all else, for which there is the check. */
  readonly message?: MessageShape;
  readonly check: Check;
  /** What counts as none in a list or a map. */
  readonly empty: string;
}

/**
 * What is wrong with a value, by how it is written; undefined: nothing.
 *
 * @param canHint whether it may be looked what was meant, which takes longer than all else
 */
type Check = (token: string, canHint: boolean) => Finding | undefined;

interface Finding {
  readonly description: string;
  readonly reason: string;
}

/** The shape of a message, and of those in it, each of which is made once. */
export function shapeOf(
  descriptor: DescMessage,
  unknownNames: UnknownNames,
  known = new Map<DescMessage, MessageShape>(),
): MessageShape {
  const found = known.get(descriptor);
  if (found !== undefined) {
    return found;
  }
  const jsonNames = descriptor.fields.map(({ jsonName }) => jsonName);
  const shape: MessageShape = { fields: new Map(), jsonNames };
  known.set(descriptor, shape);
  for (const field of descriptor.fields) {
    const { name, jsonName, fieldKind } = field;
    const kind = fieldKind === "list" || fieldKind === "map" ? fieldKind : "single";
    const maxItems = maxItemsOf(field) ?? Number.POSITIVE_INFINITY;
    const value = valueShape(field, unknownNames, known);
    const fieldShape = { name, kind, maxItems, value } as const;
    shape.fields.set(name, fieldShape).set(jsonName, fieldShape);
  }
  return shape;
}

/** A value that has a form of its own, which may hold anything. */
const anything: ValueShape = { check: () => undefined, empty: "0" };

function valueShape(
  field: DescField,
  unknownNames: UnknownNames,
  known: Map<DescMessage, MessageShape>,
): ValueShape {
  const { message, scalar } = field;
  if (scalar !== undefined) {
    return scalarShape(scalar, leastOf(field));
  }
  if (message === undefined) {
    return field.enum?.typeName === "google.protobuf.NullValue"
      ? anything
      : { check: enumCheck(field.enum, unknownNames), empty: "0" };
  }
  const text = textualTypes.get(message.typeName);
  if (text !== undefined) {
    return { check: textCheck(message, text), empty: "null" };
  }
  return message.typeName.startsWith("google.protobuf.")
    ? anything
    : { ...anything, message: shapeOf(message, unknownNames, known), empty: "{}" };
}

/** What is wanted of Protobuf's own types whose JSON is a text. */
const textualTypes: ReadonlyMap<string, string> = new Map([
  ["google.protobuf.Timestamp", 'a time such as "2024-01-10T12:00:00.123456Z"'],
  ["google.protobuf.Duration", 'a duration in seconds such as "3600s"'],
  ["google.protobuf.FieldMask", 'names of fields such as "city"'],
]);

function textCheck(descriptor: DescMessage, wanted: string): Check {
  return unless(`must be ${wanted}`, (token) => {
    try {
      fromJson(descriptor, JSON.parse(token));
      return true;
    } catch {
      return false;
    }
  });
}

function enumCheck({ typeName, values }: DescEnum, unknownNames: UnknownNames): Check {
  const names = values.map(({ name }) => name);
  const known = new Set(values.flatMap(({ name, jsonName }) => [name, jsonName]));
  const checkNumber = unless(`must be a value of ${typeName}`, isInteger(int32));
  return (token, canHint) => {
    const name = textOf(token);
    if (name === undefined) {
      return checkNumber(token, canHint);
    }
    return known.has(name) || unknownNames === "ignore"
      ? undefined
      : {
          description: `has the unknown value ${echo(name)}${hint(name, names, canHint)}`,
          reason: "enum.unknown",
        };
  };
}

/** What was probably meant, for the end of a description. */
export function hint(name: string, known: readonly string[], canHint: boolean): string {
  const meant = canHint ? suggest(name, known) : undefined;
  return meant === undefined ? "" : ` - did you mean ${meant}?`;
}

const int32 = [-(2 ** 31), 2 ** 31 - 1] as const;
const uint32 = [0, 2 ** 32 - 1] as const;

/** @param least what the rules want of a number at least */
function scalarShape(scalar: ScalarType, least: number | undefined): ValueShape {
  switch (scalar) {
    case ScalarType.STRING:
      return { check: checkString, empty: '""' };
    case ScalarType.BYTES:
      return { check: unless("must be a string of base64", isText), empty: '""' };
    case ScalarType.BOOL:
      return {
        check: unless("must be true or false", (token) => /^(?:true|false)$/.test(token)),
        empty: "false",
      };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return {
        check: unless(
          "must be a number",
          (token) => /^"(?:NaN|-?Infinity)"$/.test(token) || isNumber(token),
        ),
        empty: "0",
      };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return integerShape(int32, least);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return integerShape(uint32);
    default:
      // The decoder knows the range of those of 64 bits.
      return { check: unless("must be a whole number", isNumber), empty: "0" };
  }
}

/** @param wanted the least that is of use, where the rules want more than the type does */
function integerShape(range: readonly [min: number, max: number], wanted = range[0]): ValueShape {
  const text = `must be a whole number from ${wanted} to ${range[1]}`;
  return { check: unless(text, isInteger(range)), empty: "0" };
}

function unless(wanted: string, isRight: (token: string) => boolean): Check {
  return (token) => (isRight(token) ? undefined : wrongType(wanted, token));
}

/** What is said of a value that is not of its field's type. */
export function wrongType(wanted: string, token: string): Finding {
  const got = { "{": "an object", "[": "a list" }[token] ?? echo(token);
  return { description: `${wanted} - got ${got}`, reason: "type" };
}

const checkText = unless("must be a string", isText);
// Only an escape makes a surrogate without its pair.
const checkUnicode = unless(
  "must be Unicode",
  (token) => !token.includes("\\") || String(JSON.parse(token)).isWellFormed(),
);
const checkString: Check = (token, canHint) =>
  checkText(token, canHint) ?? checkUnicode(token, canHint);

/** A number as JSON has it (RFC 8259, section 6), which is what Protobuf reads in a text, too. */
function isNumber(token: string): boolean {
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(unquote(token));
}

function isInteger([min, max]: readonly [min: number, max: number]) {
  return (token: string): boolean => {
    const value = isNumber(token) ? Number(unquote(token)) : Number.NaN;
    return Number.isInteger(value) && value >= min && value <= max;
  };
}

function isText(token: string): boolean {
  return token.startsWith('"');
}

function unquote(token: string): string {
  return isText(token) ? token.slice(1, -1) : token;
}
