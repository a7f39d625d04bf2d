import { create, type DescMessage, type DescService, type Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import type { Validator } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { serviceError } from "../errors/service-error.ts";
import type { FieldViolation } from "../partners/partner-error.ts";
import { createListLimits } from "./list-limits.ts";
import { createPlainRules } from "./plain-rules.ts";

/**
 * Checks each request message against the rules that its fields carry in the contract.
 *
 * Fails with FIELD_INVALID and a violation for each rule broken.
 */
export function createValidationInterceptor(
  validator: Validator,
  services: readonly DescService[],
): Interceptor {
  const overlongLists = createListLimits(requestsOf(services));
  const plainRules = new Map(
    requestsOf(services).map((descriptor) => [descriptor, createPlainRules(descriptor)]),
  );
  return (next) => (request) => {
    if (!request.stream && !plainRules.get(request.method.input)?.(request.message)) {
      const { method, message } = request;
      const tooLong = overlongLists(method.input, message);
      const violations =
        tooLong.length > 0 ? tooLong : findViolations(validator, method.input, message);
      if (violations.length > 0) {
        throw invalidFields(violations);
      }
    }
    return next(request);
  };
}

/**
 * How many violations an error names at most: gRPC carries them in a trailer, and clients take no
 * trailer of any size (8 KiB in Java, 64 KiB in Node).
 */
const maxViolations = 25;

/** The error for a request whose fields break rules: FIELD_INVALID, naming the fields. */
export function invalidFields(allViolations: readonly FieldViolation[]) {
  const violations = allViolations.slice(0, maxViolations);
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
  for (const input of requestsOf(services)) {
    const result = validator.validate(input, create(input));
    if (result.kind === "error") {
      throw result.error;
    }
  }
}

function requestsOf(services: readonly DescService[]): readonly DescMessage[] {
  return services.flatMap((service) => service.methods.map(({ input }) => input));
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
