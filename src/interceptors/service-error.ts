import { getOption, type MessageInitShape } from "@bufbuild/protobuf";
import { isFieldError } from "@bufbuild/protobuf/reflect";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { clip, fitViolations, type Violation } from "@partner-service/strict-messages";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { ErrorReason, ErrorReasonSchema, error_code } from "../../gen/partner/v1/error_pb.ts";
import type { Call } from "../context.ts";

/** The domain of every reason: the Protobuf package that declares it (AIP-193). */
const errorDomain = ErrorReasonSchema.file.proto.package;

export interface ServiceErrorOptions {
  /** Facts for programs, for the `metadata` of `google.rpc.ErrorInfo`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** For the `field_violations` of `google.rpc.BadRequest`. */
  readonly violations?: readonly Violation[];
  /** How long the caller should wait before it tries again, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/**
 * Makes the error that callers see: the code that the contract gives to the reason, and
 * `google.rpc` details that clients of every language can decode.
 */
export function serviceError(
  reason: ErrorReason,
  message: string,
  { metadata = {}, violations, retryAfterMs, headers, cause }: ServiceErrorOptions = {},
): ConnectError {
  const error = new ConnectError(message, codeOf(reason), headers, [], cause);
  const info: MessageInitShape<typeof ErrorInfoSchema> = {
    // As it travels: the contract's name without the enum's prefix.
    reason: descriptorOf(reason).localName,
    domain: errorDomain,
    metadata,
  };
  error.details.push({ desc: ErrorInfoSchema, value: info });
  if (violations !== undefined) {
    error.details.push({ desc: BadRequestSchema, value: { fieldViolations: [...violations] } });
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = {
      seconds: BigInt(Math.floor(retryAfterMs / 1000)),
      nanos: (retryAfterMs % 1000) * 1_000_000,
    };
    error.details.push({ desc: RetryInfoSchema, value: { retryDelay } });
  }
  return error;
}

/** The error for a request whose fields break rules: FIELD_INVALID, naming the fields, as far as they fit. */
export function invalidFields(all: readonly Violation[]): ConnectError {
  const { message, ...details } = fitViolations(all);
  return serviceError(ErrorReason.FIELD_INVALID, message, details);
}

/** What Connect says of a message that is too long, on the wire or decompressed. */
const tooLarge = / larger than configured readMaxBytes (\d+)/;
/** What Connect calls INTERNAL although the sender's bytes are no Protobuf, or are cut. */
const sendersFault = /^(parse binary: |decompression failed$)/;

/** Gives its reason to an error that Connect made, such as that of a message that it cannot read. */
export function nameReason(error: ConnectError): ConnectError {
  const { code, cause } = error;
  const message = clip(error.rawMessage, 300);
  const fieldError = cause instanceof Error ? cause.cause : undefined;
  if (isFieldError(fieldError)) {
    const description = clip(fieldError.message, 200);
    const violations = [{ field: fieldError.field().name, description, reason: "type" }];
    return serviceError(ErrorReason.FIELD_INVALID, message, { violations, cause });
  }
  const [, maxBytes] = tooLarge.exec(message) ?? [];
  if (code === Code.ResourceExhausted && maxBytes !== undefined) {
    const text = `The request message is longer than ${maxBytes} bytes.`;
    const metadata = { max_bytes: maxBytes };
    return serviceError(ErrorReason.MESSAGE_TOO_LARGE, text, { metadata, cause });
  }
  // Of the other errors that Connect makes INVALID_ARGUMENT all are about timeouts.
  const malformed =
    code === Code.Internal
      ? sendersFault.test(message)
      : code === Code.InvalidArgument && !message.includes("timeout");
  const reason = malformed ? ErrorReason.MESSAGE_MALFORMED : reasonsOfCodes.get(code);
  return reason === undefined ? error : serviceError(reason, message, { cause });
}

/** What else Connect, and what stands on it, fails with. */
const reasonsOfCodes: ReadonlyMap<Code, ErrorReason> = new Map([
  [Code.DeadlineExceeded, ErrorReason.DEADLINE_EXCEEDED],
  [Code.Internal, ErrorReason.INTERNAL],
  [Code.InvalidArgument, ErrorReason.REQUEST_MALFORMED],
  [Code.NotFound, ErrorReason.SERVICE_UNKNOWN],
  [Code.ResourceExhausted, ErrorReason.OVERLOADED],
  [Code.Unavailable, ErrorReason.STREAM_CLOSED],
  [Code.Unimplemented, ErrorReason.REQUEST_UNSUPPORTED],
]);

/** Writes down that the error is the outcome of the call. */
export function recordFailure(call: Call, error: ConnectError): void {
  const reason = error.findDetails(ErrorInfoSchema)[0]?.reason;
  call.outcome = { code: codeToString(error.code), ...(reason === undefined ? {} : { reason }) };
}

function codeOf(reason: ErrorReason): Code {
  // google.rpc.Code and Connect's Code number the same codes alike.
  return getOption(descriptorOf(reason), error_code) as number as Code;
}

function descriptorOf(reason: ErrorReason) {
  const descriptor = ErrorReasonSchema.value[reason];
  if (descriptor === undefined || reason === ErrorReason.UNSPECIFIED) {
    throw new Error(`The contract has no error reason ${reason}.`);
  }
  return descriptor;
}
