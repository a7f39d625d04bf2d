import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";

/** How a failed call looks to its caller, in a form that tests compare as a whole. */
export interface Failure {
  code: string;
  reason?: string;
  metadata?: Record<string, string>;
  /** The broken rules: each field with the rule's id. */
  violations?: string[];
  retryAfterMs?: number;
}

/** Waits for a call that must fail, and returns its failure. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error = await call.then(
    () => {
      throw new Error("The call was expected to fail.");
    },
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConnectError)) {
    throw error;
  }
  return describeFailure(error);
}

/** Decodes the details of an error. */
export function describeFailure(error: ConnectError): Failure {
  const failure: Failure = { code: Code[error.code] };
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info !== undefined) {
    failure.reason = info.reason;
    if (Object.keys(info.metadata).length > 0) {
      failure.metadata = info.metadata;
    }
  }
  const [badRequest] = error.findDetails(BadRequestSchema);
  if (badRequest !== undefined) {
    failure.violations = badRequest.fieldViolations.map(
      ({ field, reason }) => `${field}: ${reason}`,
    );
  }
  const [retryInfo] = error.findDetails(RetryInfoSchema);
  if (retryInfo?.retryDelay !== undefined) {
    const { seconds, nanos } = retryInfo.retryDelay;
    failure.retryAfterMs = Number(seconds) * 1000 + nanos / 1_000_000;
  }
  return failure;
}

/** The body of an error in Connect's form, with its reason and no more details. */
export function errorJson(code: string, reason: string, message: string) {
  const debug = expect.objectContaining({ reason, domain: "partner.v1" });
  return {
    code,
    message,
    details: [{ type: "google.rpc.ErrorInfo", value: expect.any(String), debug }],
  };
}
