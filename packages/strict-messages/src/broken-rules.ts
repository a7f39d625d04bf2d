import type { DescMessage, Message } from "@bufbuild/protobuf";
import {
  isReflectList,
  isReflectMessage,
  type Path,
  pathToString,
  type ReflectMessage,
  reflect,
} from "@bufbuild/protobuf/reflect";
import type { Violation as BrokenRule, Validator } from "@bufbuild/protovalidate";
import { echo } from "./fitting.ts";
import type { Violation } from "./violation.ts";

/** What is wanted, where the validator says it for those who know its rules by name. */
const wantedTexts: Readonly<Partial<Record<string, string>>> = {
  // Contracts have the rule for this character, which databases cannot store.
  "string.not_contains": "must not hold U+0000",
  "enum.defined_only": "must be a value that the contract knows",
  "enum.not_in": "must be a value that the contract knows other than UNSPECIFIED",
  "repeated.unique": "must hold no value twice",
};

/** Finds the rules of the contract that a message breaks. */
export function findBrokenRules(
  validator: Validator,
  descriptor: DescMessage,
  message: Message,
): Violation[] {
  const result = validator.validate(descriptor, message);
  switch (result.kind) {
    case "valid":
      return [];
    case "error":
      throw result.error;
    case "invalid": {
      const reflected = reflect(descriptor, message);
      return result.violations.map((violation) => describeViolation(violation, reflected));
    }
  }
}

/** Says of a rule that a message breaks what is wanted and what was got, for people. */
function describeViolation(
  { field, message: text, ruleId: reason }: BrokenRule,
  message: ReflectMessage,
): Violation {
  const wanted = wantedTexts[reason] ?? text;
  const got = describeValue(valueAt(message, field), reason);
  const description = got === undefined ? wanted : `${wanted} - got ${got}`;
  return { field: pathToString(field), description, reason };
}

/** Undefined for what is absent, and for what says nothing: a list, a message, U+0000. */
function describeValue(value: unknown, reason: string): string | undefined {
  if (typeof value === "number") {
    return String(value);
  }
  if (typeof value !== "string" || value === "" || reason === "string.not_contains") {
    return undefined;
  }
  return reason === "string.max_len" ? `${[...value].length}` : echo(value);
}

function valueAt(message: ReflectMessage, path: Path): unknown {
  let value: unknown = message;
  for (const part of path) {
    if (isReflectMessage(value) && part.kind === "field") {
      value = value.isSet(part) ? value.get(part) : undefined;
    } else if (isReflectList(value) && part.kind === "list_sub") {
      value = value.get(part.index);
    } else {
      return undefined;
    }
  }
  return value;
}
