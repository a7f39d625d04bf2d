import { create, type DescMessage, type DescService, type Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import type { Validator } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { type FieldViolation, serviceError } from "../errors/service-error.ts";

/**
 * Checks each request message against the rules that its fields carry in the contract.
 *
 * Fails with FIELD_INVALID and a violation for each rule broken.
 */
export function createValidationInterceptor(validator: Validator): Interceptor {
  return (next) => async (request) => {
    if (!request.stream) {
      const violations = findViolations(validator, request.method.input, request.message);
      if (violations.length > 0) {
        throw invalidFields(violations);
      }
    }
    return await next(request);
  };
}

/** The error for a request whose fields break rules: FIELD_INVALID, naming each field. */
export function invalidFields(violations: readonly FieldViolation[]) {
  // Without colons, commas and semicolons: grpc-js does not decode their percent-encoded form.
  const message = violations
    .map(({ field, description }) => `${field} (${description})`)
    .join(" and ");
  return serviceError(ErrorReason.FIELD_INVALID, message, { violations });
}

/**
 * Compiles the rules of all request messages, so that the first call need not.
 *
 * @throws CompilationError when a rule of the contract does not compile. Found later, it would look
 * like an error of the caller's.
 */
export function compileRules(validator: Validator, services: readonly DescService[]): void {
  for (const { input } of services.flatMap((service) => service.methods)) {
    const result = validator.validate(input, create(input));
    if (result.kind === "error") {
      throw result.error;
    }
  }
}

/** Finds the rules of the contract that a message breaks. */
export function findViolations(
  validator: Validator,
  descriptor: DescMessage,
  message: Message,
): FieldViolation[] {
  const result = validator.validate(descriptor, message);
  switch (result.kind) {
    case "valid":
      return [];
    case "error":
      throw result.error;
    case "invalid":
      return result.violations.map((violation) => ({
        field: pathToString(violation.field),
        description: violation.message,
        reason: violation.ruleId,
      }));
  }
}
