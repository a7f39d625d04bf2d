import {
  clone,
  create,
  type DescMessage,
  type DescMethod,
  isMessage,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import {
  PartnerService,
  UpdatePartnerRequestSchema,
} from "../../../gen/partner/v1/partner_service_pb.ts";

/** The field that makes a call safe to repeat (AIP-155). */
const requestIdField = "request_id";

/** The request as a message of its own, with a new `request_id` if it can have one and has none. */
export function identify<Desc extends DescMessage>(
  descriptor: Desc,
  request: MessageInitShape<Desc>,
): MessageShape<Desc> {
  const message = isMessage(request, descriptor)
    ? clone(descriptor, request)
    : create(descriptor, request);
  const field = descriptor.fields.find(({ name }) => name === requestIdField);
  const reflected = reflect(descriptor, message);
  if (field !== undefined && !reflected.isSet(field)) {
    reflected.set(field, crypto.randomUUID());
  }
  return message;
}

/** Whether a call may be made again without knowing what became of the first time. */
export function isRepeatable<Desc extends DescMessage>(
  method: DescMethod,
  message: MessageShape<Desc>,
): boolean {
  switch (method) {
    case PartnerService.method.acceptInvitation:
    // The invitation that is lost is void.
    case PartnerService.method.invitePartner:
      return true;
    case PartnerService.method.updatePartner:
      // With an etag the repetition of a call that changed something is stale.
      return isMessage(message, UpdatePartnerRequestSchema) && !message.partner?.etag;
    default:
      return (
        method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ||
        method.input.fields.some(({ name }) => name === requestIdField)
      );
  }
}
