import { type DescField, getOption, hasOption, isFieldSet } from "@bufbuild/protobuf";
import {
  type FieldRules,
  field as fieldRules,
  type Int32Rules,
  type RepeatedRules,
  type StringRules,
  StringRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";
import { CreatePartnerRequestSchema } from "../../gen/partner/v1/partner_service_pb.ts";

/** What the contract demands of a field, for a person and for a form. */
export interface Rules {
  readonly required: boolean;
  /** Each rule as the end of a sentence: `1–100 characters`. */
  readonly texts: readonly string[];
  /** The most characters that a text may have. */
  readonly maxLength: number | undefined;
  readonly example: string | undefined;
}

const int32 = { min: -2_147_483_648, max: 2_147_483_647 };

/**
 * Reads a field's rules. The fields of a partner that is updated carry none: theirs are those of
 * the same fields of CreatePartnerRequest, as the contract says of UpdatePartner.
 */
export function readRules(field: DescField): Rules {
  const source = ruledField(field);
  const rules = hasOption(source, fieldRules) ? getOption(source, fieldRules) : undefined;
  const text = rules?.type.case === "string" ? rules.type.value : undefined;
  return {
    required: rules?.required === true && source === field,
    texts: rules === undefined ? [] : describeRules(rules),
    maxLength:
      text !== undefined && isFieldSet(text, StringRulesSchema.field.maxLen)
        ? Number(text.maxLen)
        : undefined,
    example: readExample(rules),
  };
}

function ruledField(field: DescField): DescField {
  if (field.parent !== PartnerSchema || hasOption(field, fieldRules)) {
    return field;
  }
  return CreatePartnerRequestSchema.fields.find(({ name }) => name === field.name) ?? field;
}

function describeRules({ type, cel }: FieldRules): string[] {
  const custom = cel.map(({ message }) => message);
  switch (type.case) {
    case "string":
      return [...describeText(type.value), ...custom];
    case "int32":
      return [describeNumber(type.value), ...custom];
    case "repeated":
      return [...describeList(type.value), ...custom];
    case "duration": {
      const { greaterThan, lessThan } = type.value;
      const from = greaterThan.case === "gte" ? greaterThan.value.seconds : 0n;
      return lessThan.case === "lte" ? [`${from} to ${lessThan.value.seconds} seconds`] : [];
    }
    default:
      return custom;
  }
}

function describeText(rules: StringRules): string[] {
  const { minLen, maxLen, pattern, notContains, wellKnown } = rules;
  const texts: string[] = [];
  if (maxLen > 0n) {
    texts.push(minLen > 0n ? `${minLen}–${maxLen} characters` : `at most ${maxLen} characters`);
  }
  if (wellKnown.case === "email" && wellKnown.value) {
    texts.push("an e-mail address");
  }
  if (wellKnown.case === "uuid" && wellKnown.value) {
    texts.push("a UUID");
  }
  if (pattern !== "") {
    texts.push(`matches ${pattern}`);
  }
  if (notContains === "\0") {
    texts.push("no U+0000");
  }
  return texts;
}

function describeNumber({ greaterThan, lessThan }: Int32Rules): string {
  const from = greaterThan.case === "gte" ? greaterThan.value : int32.min;
  const to = lessThan.case === "lte" ? lessThan.value : int32.max;
  return `a whole number, ${from} to ${to}`;
}

function describeList({ maxItems, unique, items }: RepeatedRules): string[] {
  const texts = items === undefined ? [] : describeRules(items).map((text) => `each ${text}`);
  if (maxItems > 0n) {
    texts.unshift(`at most ${maxItems}`);
  }
  return unique ? [...texts, "no value twice"] : texts;
}

function readExample(rules: FieldRules | undefined): string | undefined {
  switch (rules?.type.case) {
    case "string":
      return rules.type.value.example[0];
    case "int32":
    case "enum":
      return rules.type.value.example[0]?.toString();
    default:
      return undefined;
  }
}
