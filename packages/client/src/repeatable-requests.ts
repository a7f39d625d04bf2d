import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";

/** The field that makes a call safe to repeat (AIP-155). */
const requestIdField = "request_id";
/** The field that lets a change pass only if nothing has changed before it (AIP-154). */
const etagField = "etag";

/** The request with a `request_id`, if it can have one and has none: in a copy, if it is a message. */
export function identify<Desc extends DescMessage>(
  descriptor: Desc,
  request: MessageInitShape<Desc>,
  requestId: () => string,
): MessageShape<Desc> {
  const message = create(descriptor, request);
  const field = descriptor.fields.find(({ name }) => name === requestIdField);
  if (field === undefined || reflect(descriptor, message).isSet(field)) {
    return message;
  }
  const copy = Object.assign(create(descriptor), message);
  reflect(descriptor, copy).set(field, requestId());
  return copy;
}

/**
 * Whether a call may be made again without knowing what became of the first time, as the contract has
 * it: by the RPC's `idempotency_level`, or because its request has a `request_id`.
 */
export function isRepeatable<Desc extends DescMessage>(
  { idempotency, input }: DescMethod,
  request: MessageShape<Desc>,
): boolean {
  switch (idempotency) {
    case MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS:
      return true;
    case MethodOptions_IdempotencyLevel.IDEMPOTENT:
      // With an etag the repetition of a call that changed something is stale.
      return !hasEtag(reflect(input, request));
    default:
      return input.fields.some(({ name }) => name === requestIdField);
  }
}

function hasEtag(message: ReflectMessage): boolean {
  return message.fields.some((field) =>
    field.fieldKind === "message"
      ? message.isSet(field) && hasEtag(message.get(field))
      : field.name === etagField && message.isSet(field),
  );
}
