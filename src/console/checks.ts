import {
  create,
  type DescMessage,
  type DescMethodUnary,
  isMessage,
  type Message,
} from "@bufbuild/protobuf";
import { pathToString, reflect } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { type Partner, PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";
import {
  CreatePartnerRequestSchema,
  UpdatePartnerRequestSchema,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { type FormValues, type Problem, readForm } from "./form-values.ts";

const validator = createValidator();

/** What the form's content makes: the request, and what the service would find wrong with it. */
export interface CheckedForm {
  readonly message: Message;
  readonly problems: readonly Problem[];
}

/** Checks a form against the rules of the contract, with the evaluator that the service uses. */
export function checkForm({ input }: DescMethodUnary, values: FormValues): CheckedForm {
  const { message, problems } = readForm(input, values);
  const unreadable = new Set(problems.map(({ field }) => field));
  const violations = [...findViolations(input, message), ...findChangeViolations(message)].filter(
    ({ field }) => !unreadable.has(controlPath(field)),
  );
  return { message, problems: [...problems, ...violations] };
}

/** An update's fields are under the rules of a create, as far as they are present. */
function findChangeViolations(message: Message): Problem[] {
  return isMessage(message, UpdatePartnerRequestSchema) && message.partner !== undefined
    ? findPartnerViolations(message.partner)
    : [];
}

function findPartnerViolations(partner: Partner): Problem[] {
  const given = reflect(PartnerSchema, partner);
  const candidate = create(CreatePartnerRequestSchema);
  const fill = reflect(CreatePartnerRequestSchema, candidate);
  const present = new Set<string>();
  for (const field of fill.fields) {
    const source = given.fields.find(({ name }) => name === field.name);
    if (source !== undefined && given.isSet(source)) {
      fill.set(field, given.get(source));
      present.add(field.name);
    }
  }
  return findViolations(CreatePartnerRequestSchema, candidate)
    .filter(({ field }) => present.has(field))
    .map((violation) => ({ ...violation, field: `partner.${violation.field}` }));
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
