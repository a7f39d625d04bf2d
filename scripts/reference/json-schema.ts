import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonObject,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import type {
  FieldRules,
  StringRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { commentOf } from "./contract.ts";
import { rulesOf } from "./field-rules.ts";

/**
 * Where a message travels. A request must have what the rules require; a response has every field
 * that can be present without a value, for the service writes them all; a detail of an error has
 * what it has.
 */
export type Direction = "request" | "response" | "detail";

/** Tells the schema of a message that another one holds. */
export type ReferTo = (message: DescMessage) => JsonObject;

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
 * The schema of an enum, whose values travel as their names. Those of an answer are open: there may come
 * more of them, which must not break who knows these.
 */
function enumSchema(
  enumeration: DescEnum,
  direction: Direction,
  excluded: readonly number[],
): JsonObject {
  const values = enumeration.values.filter(({ number }) => !excluded.includes(number));
  const names = values.map(({ name }) => name);
  return direction === "request" ? { type: "string", enum: names } : openEnum(names);
}

/** Texts of which there may come more. */
export function openEnum(names: readonly string[]): JsonObject {
  return { anyOf: [{ type: "string", enum: [...names] }, { type: "string" }] };
}

function isRequired(field: DescField, direction: Direction): boolean {
  switch (direction) {
    case "request":
      return rulesOf(field)?.required === true;
    case "response":
      return field.fieldKind === "list" || (field.fieldKind !== "message" && !isOptional(field));
    case "detail":
      return false;
  }
}

function isOptional(field: DescField): boolean {
  return field.proto.proto3Optional;
}

function fieldSchema(field: DescField, direction: Direction, referTo: ReferTo): JsonObject {
  // The rules are those of requests: the service writes no field that it would refuse, but a field
  // that only it writes has none.
  const rules = direction === "request" ? rulesOf(field) : undefined;
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
    const enumRules = rules?.type.case === "enum" ? rules.type.value : undefined;
    // Of a field that is required, the zero value counts as absent.
    const excluded = [...(enumRules?.notIn ?? []), ...(rules?.required ? [0] : [])];
    const names = (enumRules?.example ?? []).map((number) => field.enum.value[number]?.name ?? "");
    return { ...enumSchema(field.enum, direction, excluded), ...examples(names) };
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
    ...(strings?.wellKnown.case === undefined ? {} : { format: strings.wellKnown.case }),
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
    case "google.protobuf.Any":
      return {
        type: "object",
        required: ["@type"],
        properties: {
          "@type": { type: "string", examples: ["type.googleapis.com/google.rpc.ErrorInfo"] },
        },
      };
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
