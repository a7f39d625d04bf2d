import type { ErrorReason } from "../../gen/partner/v1/error_pb.ts";

/** What was asked for cannot be done with the partner, for a reason that the contract names. */
export class PartnerError extends Error {
  override readonly name = "PartnerError";
  readonly reason: ErrorReason;

  /** @param message is shown to the caller. */
  constructor(reason: ErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
