import { create } from "@bufbuild/protobuf";
import {
  type BadRequest_FieldViolation,
  BadRequestSchema,
  type ErrorInfo,
  ErrorInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { type Status, StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import type { PartnerError } from "../partners/partner-error.ts";
import { toConnectError } from "./errors.ts";

/** The error that a call would have failed with, in an answer that has several outcomes. */
export interface EntryError {
  readonly status: Status;
  readonly errorInfo: ErrorInfo | undefined;
  readonly fieldViolations: BadRequest_FieldViolation[];
}

export function toEntryError(failure: PartnerError): EntryError {
  const error = toConnectError(failure);
  const { code, rawMessage: message } = error;
  return {
    status: create(StatusSchema, { code, message }),
    errorInfo: error.findDetails(ErrorInfoSchema)[0],
    fieldViolations: error.findDetails(BadRequestSchema)[0]?.fieldViolations ?? [],
  };
}
