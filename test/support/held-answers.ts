import { pathToString, reflect } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { type Partner, PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";

const validator = createValidator();

/**
 * Holds each answer that the tests get to the rules that the contract has for it, over every protocol,
 * and each partner in it to being whole.
 */
export const holdAnswers: Interceptor = (next) => async (request) => {
  const response = await next(request);
  if (!response.stream) {
    const { method, message } = response;
    const result = validator.validate(method.output, message);
    const broken =
      result.kind === "invalid"
        ? result.violations.map((each) => `${pathToString(each.field)} ${each.message}`)
        : [];
    const partial = partnersOf(message).flatMap(absentFields);
    if (result.kind === "error" || broken.length + partial.length > 0) {
      throw new Error(`${method.name} answers ${[...broken, ...partial].join(", ")}`, {
        cause: result.error,
      });
    }
  }
  return response;
};

/** The partners of an answer, each of whose kinds has one or many. */
function partnersOf(message: object): Partner[] {
  const { partner, partners = [] }: { partner?: Partner; partners?: Partner[] } = message;
  return partner === undefined ? partners : [partner, ...partners];
}

/** Those of which a comment of the contract says when they are absent. */
const sometimesAbsent = [
  ...["country_code", "guest_organization_id", "invitation_expires_at", "connected_at"],
];

function absentFields(partner: Partner): string[] {
  const reflected = reflect(PartnerSchema, partner);
  return PartnerSchema.fields
    .filter((field) => !reflected.isSet(field) && !sometimesAbsent.includes(field.name))
    .map(({ name }) => `a partner without ${name}`);
}
