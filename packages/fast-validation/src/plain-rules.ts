import {
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  isFieldSet,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import {
  EnumRulesSchema,
  FieldRulesSchema,
  field as fieldOption,
  Int32RulesSchema,
  message as messageOption,
  RepeatedRulesSchema,
  StringRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** Whether a message surely follows its rules. Where it answers false, the validator has to judge. */
export type PlainRules = (message: object) => boolean;

/**
 * Makes a check that admits most messages that follow the contract's rules, and none that does not,
 * for messages of texts, numbers, enums and lists of such messages, whose other fields are absent. The
 * validator, which can tell what is wrong, takes many times as long to find that nothing is.
 *
 * @param parents the types of the messages that hold this one
 * @returns undefined for a message that must have other fields, or has rules that are not known here.
 */
export function createPlainRules(
  descriptor: DescMessage,
  parents: readonly DescMessage[] = [],
): PlainRules | undefined {
  if (parents.includes(descriptor)) {
    return undefined;
  }
  const checks = descriptor.fields.flatMap((field) => {
    const check = fieldCheck(field, [...parents, descriptor]) ?? absenceCheck(field);
    return check === undefined ? [] : { name: field.localName, check };
  });
  if (checks.length < descriptor.fields.length || hasOption(descriptor, messageOption)) {
    return undefined;
  }
  return (message) => {
    // A message has a property for each field that is set, or has no presence.
    const values = message as Readonly<Record<string, unknown>>;
    return checks.every(({ name, check }) => check(values[name]));
  };
}

/** Whether a value, whose type follows from its field's descriptor, surely follows its rules. */
type Check = (value: unknown) => boolean;

/** The check for a rule, given the rule's value and the field; undefined for one not known here. */
type CheckMaker = (rule: unknown, field: DescField) => Check | undefined;

function fieldCheck(field: DescField, parents: readonly DescMessage[]): Check | undefined {
  const rules = getOption(field, fieldOption);
  const type = rules.type.case;
  const entries = kindCheck(field, parents);
  const known = FieldRulesSchema.fields
    .filter((each) => isFieldSet(rules, each))
    .every(({ localName }) => ["required", "cel", type].includes(localName));
  const matches = rules.cel.map(({ expression }) => matchCheck(expression));
  const ofType = typeChecks(field);
  const checks =
    ofType === undefined || !matches.every((check) => check !== undefined)
      ? undefined
      : [...ofType, ...matches];
  if (entries === undefined || field.oneof !== undefined || !known || checks === undefined) {
    return undefined;
  }
  const follows: Check = (value) => checks.every((check) => check(value)) && entries(value);
  return rules.required
    ? (value) => value !== undefined && !isDefault(value) && follows(value)
    : (value) => value === undefined || follows(value);
}

/** Admits that a field is absent, which follows whatever its rules are; undefined where it may not be. */
function absenceCheck(field: DescField): Check | undefined {
  const hasPresence = field.presence === FeatureSet_FieldPresence.EXPLICIT;
  return field.oneof !== undefined || !hasPresence || getOption(field, fieldOption).required
    ? undefined
    : (value) => value === undefined;
}

/** Whether it is what a field without presence holds where it is not set. */
function isDefault(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : ["", 0, false].some((each) => each === value);
}

/** Whether the messages of a list follow their own rules; undefined for a field of another kind. */
function kindCheck(field: DescField, parents: readonly DescMessage[]): Check | undefined {
  if (field.fieldKind === "list" && field.listKind === "message") {
    const admits = createPlainRules(field.message, parents);
    // The value of a list's field is an array, here of messages.
    return admits && ((entries) => (entries as readonly object[]).every(admits));
  }
  return field.fieldKind === "scalar" || field.fieldKind === "enum" ? alwaysFollowed : undefined;
}

const alwaysFollowed: Check = () => true;

const stringRules: Readonly<Record<string, CheckMaker>> = {
  // A text has at least half as many code points as it has code units, and at most as many.
  minLen: (least) => (text) => String(text).length >= (least === 1n ? 1 : 2 * Number(least)),
  maxLen: (most) => (text) => String(text).length <= Number(most),
  notContains: (part) => (text) => !String(text).includes(String(part)),
  email: (rule) => (rule === true ? (text) => simpleEmail.test(String(text)) : undefined),
  uuid: (rule) => (rule === true ? (text) => uuid.test(String(text)) : undefined),
  pattern: (source) => {
    if (!simplePattern.test(String(source))) {
      return undefined;
    }
    return patternCheck(String(source));
  },
  example: () => alwaysFollowed,
};

/** The textual form of a UUID (RFC 9562, section 4), in either case. */
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Some of the e-mail addresses of the HTML standard, which the rule is about. */
const simpleEmail = /^[a-z0-9._+-]+@[a-z0-9]{1,63}(?:\.[a-z0-9]{1,63})*$/i;

/** The check for `this.matches('PATTERN')` with a pattern that is simple; undefined for what is not. */
function matchCheck(expression: string): Check | undefined {
  const [, source = ""] = /^this\.matches\('([^'\\]*)'\)$/.exec(expression) ?? [];
  return simplePattern.test(source) ? patternCheck(source) : undefined;
}

function patternCheck(source: string): Check {
  const pattern = new RegExp(source, "u");
  return (text) => pattern.test(String(text));
}

/**
 * Letters, digits and @, classes of them, groups, alternatives, `*` and `{n}`: what JavaScript and RE2,
 * which the rules are about, read alike.
 */
const simplePattern =
  /^(?:[\^$|a-zA-Z0-9@)]|\((?:\?:)?|(?:\[\^?[a-zA-Z0-9@.-]+\])(?:\*|\{\d+\})?)+$/;

const int32Rules: Readonly<Record<string, CheckMaker>> = {
  gte: (least) => (number) => Number(number) >= Number(least),
  lte: (most) => (number) => Number(number) <= Number(most),
  example: () => alwaysFollowed,
};

const enumRules: Readonly<Record<string, CheckMaker>> = {
  definedOnly: (rule, field) => {
    const numbers = new Set<unknown>(field.enum?.values.map(({ number }) => number));
    return rule === true ? (number) => numbers.has(number) : undefined;
  },
  example: () => alwaysFollowed,
};

const repeatedRules: Readonly<Record<string, CheckMaker>> = {
  maxItems: (most) => (entries) => Array.isArray(entries) && entries.length <= Number(most),
};

/** The checks for the rules of the field's type; undefined where one of them is not known here. */
function typeChecks(field: DescField): readonly Check[] | undefined {
  const { type } = getOption(field, fieldOption);
  switch (type.case) {
    case undefined:
      return [];
    case "string":
      return checksOf(reflect(StringRulesSchema, type.value), stringRules, field);
    case "int32":
      return checksOf(reflect(Int32RulesSchema, type.value), int32Rules, field);
    case "enum":
      return checksOf(reflect(EnumRulesSchema, type.value), enumRules, field);
    case "repeated":
      return checksOf(reflect(RepeatedRulesSchema, type.value), repeatedRules, field);
    default:
      return undefined;
  }
}

function checksOf(
  rules: ReturnType<typeof reflect>,
  makers: Readonly<Record<string, CheckMaker>>,
  field: DescField,
): readonly Check[] | undefined {
  const set = rules.fields.filter((rule) => rules.isSet(rule));
  const checks = set.flatMap((rule) => makers[rule.localName]?.(rules.get(rule), field) ?? []);
  // What this version of the rules does not name is kept aside.
  return checks.length < set.length || rules.message.$unknown !== undefined ? undefined : checks;
}
