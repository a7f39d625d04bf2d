import type { Violation } from "@partner-service/strict-messages";
import { ErrorReason } from "../../gen/partner/v1/error_pb.ts";

interface PartnerErrorFacts {
  /** For programs, as the contract says of the reason. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What is wrong with the request, where the reason is FIELD_INVALID. */
  readonly violations?: readonly Violation[];
}

/** What was asked for cannot be done with the partner, for a reason that the contract names. */
export class PartnerError extends Error {
  override readonly name = "PartnerError";
  readonly reason: ErrorReason;
  readonly facts: PartnerErrorFacts;

  constructor(reason: ErrorReason, message: string, facts: PartnerErrorFacts = {}) {
    super(message);
    this.reason = reason;
    this.facts = facts;
  }
}

export const violation = (field: string, description: string, reason: string): Violation => ({
  ...{ field, description, reason },
});

/** The request passes the rules of its fields, and asks for what cannot be all the same. */
export const fieldsInvalid = (violations: readonly Violation[]) =>
  new PartnerError(ErrorReason.FIELD_INVALID, "A field breaks a rule.", { violations });

/** @param deleted whether a partner that the request id has created has been deleted since. */
export const requestIdReused = (requestId: string, deleted: boolean) =>
  new PartnerError(
    ErrorReason.REQUEST_ID_REUSED,
    deleted
      ? "The request_id was used before, for a partner that has been deleted since."
      : "The request_id was used before, with other content.",
    { metadata: { request_id: requestId, cause: deleted ? "PARTNER_DELETED" : "OTHER_CONTENT" } },
  );

/** @param partnerId who has it */
export const externalIdTaken = (externalId: string, partnerId: string) =>
  new PartnerError(
    ErrorReason.EXTERNAL_ID_TAKEN,
    "Another partner of the book has the external_id.",
    { metadata: { external_id: externalId, partner_id: partnerId } },
  );

/** @param etag the present one */
export const etagMismatch = (etag: string) =>
  new PartnerError(
    ErrorReason.ETAG_MISMATCH,
    "The partner has changed since the etag was answered.",
    { metadata: { etag } },
  );

/** What there is to say where the reason says it all. */
const messages = {
  PARTNER_NOT_FOUND: "The target organization has no such partner.",
  GUEST_ALREADY_CONNECTED:
    "The guest organization already is a partner of this type in the target's book.",
  PARTNER_ALREADY_ACCEPTED: "The partner has accepted an invitation already.",
  INVITATION_INVALID: "The requester cannot accept this invitation.",
  INVITATION_NOT_PENDING: "No invitation is pending for the partner.",
  CONNECTION_NOT_FOUND: "The requester has no such connection.",
  CHANGE_TOKEN_EXPIRED:
    "Not all changes since the change_token can be told any more; begin anew without one.",
} as const satisfies Partial<Record<keyof typeof ErrorReason, string>>;

export const partnerError = (reason: keyof typeof messages) =>
  new PartnerError(ErrorReason[reason], messages[reason]);
