import { type DescField, getOption, hasOption } from "@bufbuild/protobuf";
import {
  isReflectMessage,
  qualifiedName,
  type ReflectMessage,
  reflect,
} from "@bufbuild/protobuf/reflect";
import {
  type FieldRules,
  FieldRulesSchema,
  field as fieldRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** The rules that the references know how to say. */
const known = new Set(
  [
    "FieldRules: required cel string int32 enum repeated duration",
    "StringRules: min_len max_len pattern not_contains email uuid example",
    "Int32Rules: gte lte example",
    "EnumRules: defined_only not_in example",
    "RepeatedRules: max_items unique items",
    "DurationRules: gte lte",
    "Rule: id message expression",
  ].flatMap((line) => {
    const [message, fields = ""] = line.split(": ");
    return fields.split(" ").map((field) => `buf.validate.${message}.${field}`);
  }),
);

/**
 * The Protovalidate rules of a field.
 *
 * @throws Error when there is a rule that the references would leave out.
 */
export function rulesOf(field: DescField): FieldRules | undefined {
  if (!hasOption(field, fieldRules)) {
    return undefined;
  }
  const rules = getOption(field, fieldRules);
  assertKnown(field, reflect(FieldRulesSchema, rules));
  return rules;
}

function assertKnown(field: DescField, rules: ReflectMessage): void {
  for (const rule of rules.fields.filter((candidate) => rules.isSet(candidate))) {
    const name = qualifiedName(rule);
    if (!known.has(name)) {
      throw new Error(`The references cannot say the rule ${name} of ${field.toString()}.`);
    }
    const value: unknown = rules.get(rule);
    if (isReflectMessage(value) && value.desc.file.name === "buf/validate/validate") {
      assertKnown(field, value);
    }
  }
}
