import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonObject,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { type Duration, DurationSchema, FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import type {
  FieldRules,
  StringRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { commentOf } from "./contract.ts";
import { rulesOf } from "./field-rules.ts";

/**
 * Where a message travels. A request must have what the rules require; a response has every field of which
 * the contract does not say that it may be absent. What is answered may be sent back as it was: its enums
 * are as open as in the answer.
 */
export type Direction = "request" | "response" | "sent back";

/** Tells the schema of a message or an enum that a message holds. */
export type ReferTo = (type: DescMessage | DescEnum) => JsonObject;

/** The JSON Schema of a message in ProtoJSON, the mapping that the service speaks. */
export function messageSchema(
  message: DescMessage,
  direction: Direction,
  referTo: ReferTo,
): JsonObject {
  const required = message.fields.filter((field) => isRequired(field, direction));
  return {
    type: "object",
    description: commentOf(message),
    properties: Object.fromEntries(
      message.fields.map((field) => [field.jsonName, fieldSchema(field, direction, referTo)]),
    ),
    ...(required.length > 0 ? { required: required.map(({ jsonName }) => jsonName) } : {}),
  };
}

/**
 * The schema of an enum, whose values travel as their names. The first stands for what is absent, and is
 * neither asked for nor answered.
 */
export function enumSchema(enumeration: DescEnum): JsonObject {
  const names = enumeration.values.filter(({ number }) => number !== 0).map(({ name }) => name);
  return { type: "string", description: commentOf(enumeration), enum: names };
}

/**
 * A UUID, as texts are: with `format: uuid` generators make a type of its own of it, in which answers have
 * no ids, and which they put into no header.
 */
export const uuidPattern = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$";

/** Texts of which there may come more, which must not break who knows these. */
export function openEnum(known: JsonObject): JsonObject {
  return { anyOf: [known, { type: "string" }] };
}

function isRequired(field: DescField, direction: Direction): boolean {
  return direction === "response" ? !mayBeAbsent(field) : rulesOf(field)?.required === true;
}

/** "In an answer every field is present of which no comment says otherwise", in this word. */
function mayBeAbsent(field: DescField): boolean {
  return (
    field.presence === FeatureSet_FieldPresence.EXPLICIT &&
    (field.oneof !== undefined || /\bAbsent\b/.test(commentOf(field)))
  );
}

function fieldSchema(field: DescField, direction: Direction, referTo: ReferTo): JsonObject {
  // The rules are those of requests: the service writes no field that it would refuse, but a field
  // that only it writes has none.
  const rules = direction === "response" ? undefined : rulesOf(field);
  const sentences = [
    commentOf(field),
    ...(rules?.cel ?? []).map(({ message }) => `It ${message}.`),
  ];
  return {
    ...typeSchema(field, direction, rules, referTo),
    description: sentences.join(" ").trim(),
  };
}

function typeSchema(
  field: DescField,
  direction: Direction,
  rules: FieldRules | undefined,
  referTo: ReferTo,
): JsonObject {
  switch (field.fieldKind) {
    case "list": {
      const listRules = rules?.type.case === "repeated" ? rules.type.value : undefined;
      return {
        type: "array",
        items: valueSchema(field, direction, listRules?.items, referTo),
        ...(rules?.required ? { minItems: 1 } : {}),
        ...(listRules?.maxItems ? { maxItems: Number(listRules.maxItems) } : {}),
        ...(listRules?.unique ? { uniqueItems: true } : {}),
      };
    }
    case "map":
      return {
        type: "object",
        additionalProperties: valueSchema(field, direction, undefined, referTo),
      };
    default:
      return valueSchema(field, direction, rules, referTo);
  }
}

/** The schema of a field's value, or of one of its values. */
function valueSchema(
  field: DescField,
  direction: Direction,
  rules: FieldRules | undefined,
  referTo: ReferTo,
): JsonObject {
  if (field.message !== undefined) {
    return wellKnownSchema(field.message, rules) ?? referTo(field.message);
  }
  if (field.enum !== undefined) {
    const known = referTo(field.enum);
    return direction === "request" ? known : openEnum(known);
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return stringSchema(rules?.type.case === "string" ? rules.type.value : undefined, rules);
    case ScalarType.INT32:
      return int32Schema(rules);
    case ScalarType.BOOL:
      return { type: "boolean" };
    default:
      throw new Error(`The references cannot say the type of ${field.toString()}.`);
  }
}

function stringSchema(strings: StringRules | undefined, rules: FieldRules | undefined): JsonObject {
  const minLength = Math.max(Number(strings?.minLen ?? 0), rules?.required ? 1 : 0);
  const pattern = patternOf(strings, rules);
  return {
    type: "string",
    ...(minLength > 0 ? { minLength } : {}),
    ...(strings?.maxLen ? { maxLength: Number(strings.maxLen) } : {}),
    ...(pattern === undefined ? {} : { pattern }),
    ...(strings?.wellKnown.case === "email" ? { format: "email" } : {}),
    ...examples(strings?.example ?? []),
  };
}

function patternOf(
  strings: StringRules | undefined,
  rules: FieldRules | undefined,
): string | undefined {
  const [matched] = (rules?.cel ?? []).flatMap(
    ({ expression }) => /^this\.matches\('([^'\\]*)'\)$/.exec(expression)?.[1] ?? [],
  );
  if (strings?.wellKnown.case === "uuid") {
    return uuidPattern;
  }
  if (strings === undefined || strings.notContains === "") {
    return strings?.pattern || matched;
  }
  if (strings.notContains !== "\0" || strings.pattern !== "") {
    throw new Error("The references can say `not_contains` of U+0000 alone.");
  }
  return "^[^\\u0000]*$";
}

function int32Schema(rules: FieldRules | undefined): JsonObject {
  const {
    greaterThan,
    lessThan,
    example = [],
  } = rules?.type.case === "int32" ? rules.type.value : {};
  return {
    type: "integer",
    format: "int32",
    minimum: greaterThan?.value ?? -(2 ** 31),
    maximum: lessThan?.value ?? 2 ** 31 - 1,
    ...examples(example),
  };
}

/** The messages that have a form of their own in JSON. */
function wellKnownSchema(
  message: DescMessage,
  rules: FieldRules | undefined,
): JsonObject | undefined {
  switch (message.typeName) {
    case "google.protobuf.Timestamp":
      return { type: "string", format: "date-time" };
    case "google.protobuf.FieldMask":
      return { type: "string", examples: ["city,paymentTerms"] };
    case "google.protobuf.Duration": {
      const { greaterThan, lessThan } = rules?.type.case === "duration" ? rules.type.value : {};
      const bounds = [greaterThan?.value, lessThan?.value].filter((bound) => bound !== undefined);
      return {
        type: "string",
        pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$",
        ...examples(bounds.map(seconds)),
      };
    }
    default:
      return undefined;
  }
}

function seconds(duration: Duration): string {
  return String(toJson(DurationSchema, duration));
}

function examples(values: readonly (string | number)[]): JsonObject {
  return values.length > 0 ? { examples: [...values] } : {};
}
