import { ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../../gen/google/rpc/error_details_pb.ts";
import { ErrorReason, ErrorReasonSchema } from "../../../gen/partner/v1/error_pb.ts";

/**
 * The fields of a request that break a rule, each with what is wrong with it; empty when the call
 * failed for another reason.
 *
 * Fields are named as the contract spells them: `company_name`, `partner.city`.
 */
export function violationsOf(error: unknown): ReadonlyMap<string, string> {
  const violations = new Map<string, string>();
  for (const { fieldViolations } of ConnectError.from(error).findDetails(BadRequestSchema)) {
    for (const { field, description } of fieldViolations) {
      const before = violations.get(field);
      violations.set(field, before === undefined ? description : `${before}; ${description}`);
    }
  }
  return violations;
}

/** Why the service refused a call; undefined when it gave no reason that the contract has. */
export function reasonOf(error: unknown): ErrorReason | undefined {
  const info = ConnectError.from(error)
    .findDetails(ErrorInfoSchema)
    .find(({ domain }) => domain === ErrorReasonSchema.file.proto.package);
  return Object.entries(ErrorReason).find(([name]) => name === info?.reason)?.[1];
}

/** How long the service asks to wait before the next try, in milliseconds. */
export function retryAfterMsOf(error: ConnectError): number | undefined {
  const [retryInfo] = error.findDetails(RetryInfoSchema);
  const delay = retryInfo?.retryDelay;
  return delay && Number(delay.seconds) * 1000 + delay.nanos / 1_000_000;
}
