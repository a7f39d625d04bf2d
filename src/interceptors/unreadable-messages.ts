import { isFieldError } from "@bufbuild/protobuf/reflect";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";
import { errorDetails } from "../errors/service-error.ts";

/**
 * What Connect calls INTERNAL although the sender's bytes are at fault: a message that is no
 * Protobuf, or a compressed one that is cut.
 */
const sendersFault = /^(parse binary: |decompression failed$)/;

/**
 * Makes INVALID_ARGUMENT of the error for a message that cannot be read, and adds FIELD_INVALID and
 * the violation to the error for a message that cannot be parsed because of one field, such as a
 * number that does not fit its type.
 *
 * Connect parses messages before interceptors run, so that none of them sees this error. What Connect
 * does is to abort the call's signal with the error, just before it writes the answer; the details
 * are added there.
 */
export function describeUnreadableMessages({ signal }: HandlerContext): void {
  signal.addEventListener("abort", () => {
    const error: unknown = signal.reason;
    if (!(error instanceof ConnectError)) {
      return;
    }
    if (error.code === Code.Internal && sendersFault.test(error.rawMessage)) {
      Object.assign(error, { code: Code.InvalidArgument });
    }
    if (!(error.cause instanceof Error)) {
      return;
    }
    const fieldError = error.cause.cause;
    if (isFieldError(fieldError) && error.details.length === 0) {
      const field = fieldError.field().name;
      error.details = errorDetails(ErrorReason.FIELD_INVALID, {
        violations: [{ field, description: fieldError.message, reason: "type" }],
      });
    }
  });
}
