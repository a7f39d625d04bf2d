import { type DescField, toJson } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import type {
  FieldRules,
  StringRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { rulesOf } from "./field-rules.ts";

/** The rules of a field of a request, each in a few words, with `code` in backticks. */
export function ruleTexts(field: DescField): readonly string[] {
  const rules = rulesOf(field);
  if (rules === undefined) {
    return [];
  }
  return [
    ...(rules.required ? ["required"] : []),
    ...typeTexts(rules),
    ...rules.cel.map(({ message }) => message),
  ];
}

function typeTexts({ type }: FieldRules): readonly string[] {
  switch (type.case) {
    case "string":
      return stringTexts(type.value);
    case "int32":
      return [
        `${type.value.greaterThan.value ?? -(2 ** 31)} to ${type.value.lessThan.value ?? 2 ** 31 - 1}`,
      ];
    case "duration": {
      const { greaterThan, lessThan } = type.value;
      const bounds = [greaterThan.value, lessThan.value].filter((bound) => bound !== undefined);
      return [bounds.map((bound) => String(toJson(DurationSchema, bound))).join(" to ")];
    }
    case "repeated":
      return [
        ...(type.value.maxItems ? [`at most ${type.value.maxItems}`] : []),
        ...(type.value.unique ? ["no two alike"] : []),
        ...(type.value.items ? typeTexts(type.value.items) : []),
      ];
    default:
      return [];
  }
}

const wellKnown: Readonly<Record<string, string>> = { email: "an e-mail address", uuid: "a UUID" };

function stringTexts({ minLen, maxLen, wellKnown: form, pattern }: StringRules): readonly string[] {
  return [
    ...(maxLen ? [`${minLen ? `${minLen}-` : "at most "}${maxLen} characters`] : []),
    ...(form.case === undefined ? [] : [wellKnown[form.case] ?? form.case]),
    ...(pattern ? [`matches \`${pattern}\``] : []),
  ];
}
