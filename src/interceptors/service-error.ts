import { getOption, type MessageInitShape } from "@bufbuild/protobuf";
import { isFieldError } from "@bufbuild/protobuf/reflect";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { ErrorReason, ErrorReasonSchema, error_code } from "../../gen/partner/v1/error_pb.ts";
import type { Call } from "../context.ts";
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

/**
 * How many violations an error names at most, and in how many bytes: gRPC carries them in trailers,
 * of which clients take 8 KiB in all. There bytes become more: a third by base64 in the details, which
 * repeat the message, and up to three times as many in the message itself.
 */
const maxViolations = 25;
const maxViolationBytes = 3000;
/** Of an entry that does not fit by itself: 400 bytes each at the longest. */
const maxViolationsOfLongEntry = 7;
const maxMessageBytes = 500;

/**
 * The error for a request whose fields break rules: FIELD_INVALID, naming the fields. Where there are too
 * many violations for one error, it has all of the first entries of a list, as far as they fit, and says
 * how many there are in all, and in which entries.
 */
export function invalidFields(all: readonly FieldViolation[]): ConnectError {
  const byEntry = Map.groupBy(all, ({ field }) => entryPath.exec(field)?.[1]);
  const violations: FieldViolation[] = [];
  let bytes = 0;
  // What the decoding found comes before what the rules did.
  const groups = [...byEntry].sort(([a = -1], [b = -1]) => Number(a) - Number(b));
  for (const [, group] of groups) {
    const clipped = group.slice(0, maxViolations).map(({ field, description, reason }) => {
      return { field: clip(field, 200), description: clip(description, 200), reason };
    });
    for (const violation of clipped) {
      bytes += 8 + Buffer.byteLength(Object.values(violation).join(""));
    }
    const fits = bytes <= maxViolationBytes && violations.length + clipped.length <= maxViolations;
    if (!fits && violations.length > 0) {
      break;
    }
    violations.push(...(fits ? clipped : clipped.slice(0, maxViolationsOfLongEntry)));
  }
  // Without colons, commas and semicolons: grpc-js does not decode their percent-encoded form.
  const message = violations
    .map(({ field, description }) => `${field || "The message"} (${description})`)
    .join(" and ");
  const indexes = groups.flatMap(([index]) => (index === undefined ? [] : Number(index)));
  const total = {
    violations: String(all.length),
    ...(indexes.length > 0 ? { entries: joinRanges(indexes) } : {}),
  };
  const whole = violations.length === all.length;
  return serviceError(
    ErrorReason.FIELD_INVALID,
    clip(whole ? message : `${all.length} violations in all - ${message}`, maxMessageBytes),
    { violations, ...(whole ? {} : { metadata: total }) },
  );
}

/** The path of a field in an entry of a list in the request, such as `requests[3].city`, and the index. */
const entryPath = /^\w+\[(\d+)\]/;

/** Numbers that grow, in a short text: `0 3-7`. */
function joinRanges(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) {
      last[1] = number;
    } else {
      ranges.push([number, number]);
    }
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(" ");
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

/**
 * The text, or as much of its beginning as fits into so many bytes of UTF-8. Halves of characters,
 * which V8 and callers leave when they cut a text, have no UTF-8, and cannot be sent.
 */
export function clip(given: string, maxBytes: number): string {
  const text = given.toWellFormed();
  if (Buffer.byteLength(text) <= maxBytes) {
    return text;
  }
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes - 3));
  return `${text.slice(0, read)}…`;
}

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
