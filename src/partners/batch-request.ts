import type { BatchCreatePartnersRequest } from "../../gen/partner/v1/partner_service_pb.ts";
import { invalidFields } from "../interceptors/validation.ts";
import { toNewPartner } from "./partner-mapping.ts";
import type { NewPartner } from "./partner-repository.ts";

/** Partners that are created together, in one organization's book. */
interface NewBatch {
  readonly newPartners: readonly NewPartner[];
  readonly requestId: string | null;
}

/**
 * The batch that a validated request asks for, in the book of the organization.
 *
 * @throws ConnectError FIELD_INVALID when an entry has another request id than the batch.
 */
export function toNewBatch(
  { requests, requestId }: BatchCreatePartnersRequest,
  organizationId: string,
): NewBatch {
  const batchId = requestId?.toLowerCase() ?? null;
  const newPartners = requests.map((request) => toNewPartner(request, organizationId));
  const violations = newPartners.flatMap((newPartner, index) =>
    newPartner.requestId === null || newPartner.requestId === batchId
      ? []
      : {
          field: `requests[${index}].request_id`,
          description: "must be absent or that of the batch",
          reason: "batch.request_id",
        },
  );
  if (violations.length > 0) {
    throw invalidFields(violations);
  }
  return { newPartners, requestId: batchId };
}
