import { create, type DescMessage, type DescService, type Message } from "@bufbuild/protobuf";
import type { Validator } from "@bufbuild/protovalidate";
import type { ContextValues, Interceptor } from "@connectrpc/connect";
import { entryOf, findBrokenRules } from "@partner-service/strict-messages";
import { entryViolationsKey } from "../context.ts";
import { invalidFields } from "./service-error.ts";

/**
 * Checks each request message against the rules that its fields carry in the contract.
 *
 * Fails with FIELD_INVALID and a violation for each rule broken.
 *
 * @throws CompilationError when a rule of the services' requests does not compile. Found later, it
 * would look like an error of the caller's.
 */
export function createValidationInterceptor(
  validator: Validator,
  services: readonly DescService[],
): Interceptor {
  for (const { input } of services.flatMap((service) => service.methods)) {
    // To compile the rules takes long, so that the first call need not.
    findBrokenRules(validator, input, create(input));
  }

  function check(descriptor: DescMessage, message: Message, values?: ContextValues): void {
    const violations = findBrokenRules(validator, descriptor, message);
    if (violations.length === 0) {
      return;
    }
    const isPartial = "allowPartial" in message && message.allowPartial === true;
    if (!isPartial || violations.some(({ field }) => entryOf(field) === undefined)) {
      throw invalidFields(violations);
    }
    // What is wrong with entries that may be refused one by one is the RPC's to tell.
    values?.set(entryViolationsKey, violations);
  }

  async function* checkEach<T extends Message>(
    descriptor: DescMessage,
    messages: AsyncIterable<T>,
  ) {
    for await (const message of messages) {
      check(descriptor, message);
      yield message;
    }
  }

  return (next) => (request) => {
    const { input } = request.method;
    if (request.stream) {
      return next({ ...request, message: checkEach(input, request.message) });
    }
    check(input, request.message, request.contextValues);
    return next(request);
  };
}
