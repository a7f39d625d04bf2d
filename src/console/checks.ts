import type { DescMessage, DescMethodUnary, JsonObject, Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { type FormValues, type Problem, readForm } from "./form-values.ts";

const validator = createValidator();

/** What the form's content makes: the request, and what the service would find wrong with it. */
export interface CheckedForm {
  /** What was typed, also where no message can hold it. */
  readonly request: JsonObject;
  readonly message: Message;
  readonly problems: readonly Problem[];
}

/** Checks a form against the rules of the contract, with the evaluator that the service uses. */
export function checkForm({ input }: DescMethodUnary, values: FormValues): CheckedForm {
  const { request, message, problems } = readForm(input, values);
  const unreadable = new Set(problems.map(({ field }) => field));
  const violations = findViolations(input, message).filter(
    ({ field }) => !unreadable.has(controlPath(field)),
  );
  return { request, message, problems: [...problems, ...violations] };
}

function findViolations(descriptor: DescMessage, message: Message): Problem[] {
  const result = validator.validate(descriptor, message);
  if (result.kind === "error") {
    throw result.error;
  }
  return (result.violations ?? []).map(({ field, message: description, ruleId }) => ({
    field: pathToString(field),
    description,
    reason: ruleId,
  }));
}

/** The path of the control that a violation is about: `ids[3]` is about `ids`. */
export function controlPath(field: string): string {
  return field.replace(/\[.*$/, "");
}
