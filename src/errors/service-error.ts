import { getOption, type MessageInitShape } from "@bufbuild/protobuf";
import { type Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { ErrorReason, ErrorReasonSchema, error_code } from "../../gen/partner/v1/error_pb.ts";
import type { FieldViolation } from "../partners/partner-error.ts";

/** The domain of every reason: the Protobuf package that declares it (AIP-193). */
const errorDomain = ErrorReasonSchema.file.proto.package;

export interface ServiceErrorOptions {
  /** Facts for programs, for the `metadata` of `google.rpc.ErrorInfo`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** For the `field_violations` of `google.rpc.BadRequest`. */
  readonly violations?: readonly FieldViolation[];
  /** How long the caller should wait before it tries again, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Response headers. */
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
  options: ServiceErrorOptions = {},
): ConnectError {
  const error = new ConnectError(message, codeOf(reason), options.headers, [], options.cause);
  error.details = errorDetails(reason, options);
  return error;
}

/** The `google.rpc` details of an error with this reason: ErrorInfo first. */
export function errorDetails(
  reason: ErrorReason,
  { metadata = {}, violations, retryAfterMs }: ServiceErrorOptions,
): ConnectError["details"] {
  const info: MessageInitShape<typeof ErrorInfoSchema> = {
    reason: reasonName(reason),
    domain: errorDomain,
    metadata,
  };
  const details: ConnectError["details"] = [{ desc: ErrorInfoSchema, value: info }];
  if (violations !== undefined) {
    details.push({ desc: BadRequestSchema, value: { fieldViolations: [...violations] } });
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = {
      seconds: BigInt(Math.floor(retryAfterMs / 1000)),
      nanos: (retryAfterMs % 1000) * 1_000_000,
    };
    details.push({ desc: RetryInfoSchema, value: { retryDelay } });
  }
  return details;
}

/** The reason as it travels in ErrorInfo: the contract's name without the enum's prefix. */
function reasonName(reason: ErrorReason): string {
  return descriptorOf(reason).localName;
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
