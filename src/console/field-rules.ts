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

/** Reads a field's rules. A partner's fields have their examples in CreatePartnerRequest. */
export function readRules(field: DescField): Rules {
  const rules = rulesOf(field);
  const text = rules?.type.case === "string" ? rules.type.value : undefined;
  return {
    required: rules?.required === true,
    texts: rules === undefined ? [] : describeRules(rules),
    maxLength:
      text !== undefined && isFieldSet(text, StringRulesSchema.field.maxLen)
        ? Number(text.maxLen)
        : undefined,
    example: readExample(rules) ?? readExample(rulesOf(exampleField(field))),
  };
}

function rulesOf(field: DescField | undefined): FieldRules | undefined {
  return field !== undefined && hasOption(field, fieldRules)
    ? getOption(field, fieldRules)
    : undefined;
}

function exampleField(field: DescField): DescField | undefined {
  return field.parent === PartnerSchema
    ? CreatePartnerRequestSchema.fields.find(({ name }) => name === field.name)
    : undefined;
}

function describeRules({ type, cel }: FieldRules): string[] {
  const custom = cel.map(({ message }) => message.replace(/^must (be|have) /, ""));
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
  const { minLen, maxLen, wellKnown } = rules;
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
