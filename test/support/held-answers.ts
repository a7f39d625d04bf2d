import type { DescMessage, Message } from "@bufbuild/protobuf";
import { pathToString, reflect } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { type Partner, PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";
import type { PartnerChange } from "../../gen/partner/v1/partner_service_pb.ts";

const validator = createValidator();

/**
 * Holds each answer that the tests get to the rules that the contract has for it, over every protocol,
 * and each partner in it to being whole.
 */
export const holdAnswers: Interceptor = (next) => async (request) => {
  const response = await next(request);
  if (response.stream) {
    return { ...response, message: eachHeld(response.method.output, response.message) };
  }
  hold(response.method.output, response.message);
  return response;
};

async function* eachHeld<T extends Message>(descriptor: DescMessage, messages: AsyncIterable<T>) {
  for await (const message of messages) {
    hold(descriptor, message);
    yield message;
  }
}

function hold(descriptor: DescMessage, message: Message): void {
  const result = validator.validate(descriptor, message);
  const broken =
    result.kind === "invalid"
      ? result.violations.map((each) => `${pathToString(each.field)} ${each.message}`)
      : [];
  const partial = partnersOf(message).flatMap(absentFields);
  if (result.kind === "error" || broken.length + partial.length > 0) {
    throw new Error(`${descriptor.name} has ${[...broken, ...partial].join(", ")}`, {
      cause: result.error,
    });
  }
}

interface Answer {
  readonly partner?: Partner;
  readonly partners?: Partner[];
  readonly changes?: PartnerChange[];
}

/** The partners of an answer, each of whose kinds has one or many. */
function partnersOf(message: object): Partner[] {
  const { partner, partners = [], changes = [] }: Answer = message;
  const changed = changes.flatMap(({ change }) => (change.case === "partner" ? change.value : []));
  return [...(partner === undefined ? [] : [partner]), ...partners, ...changed];
}

/** Those of which a comment of the contract says when they are absent. */
const sometimesAbsent = [
  ...["country_code", "guest_organization_id", "invitation_expires_at", "connected_at"],
  "external_id",
];

function absentFields(partner: Partner): string[] {
  const reflected = reflect(PartnerSchema, partner);
  return PartnerSchema.fields
    .filter((field) => !reflected.isSet(field) && !sometimesAbsent.includes(field.name))
    .map(({ name }) => `a partner without ${name}`);
}
