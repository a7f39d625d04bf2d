import type { ContextValues } from "@connectrpc/connect";
import { callerKey, callKey, organizationsKey, required, type Writer } from "../context.ts";
import type { PartnerRepository } from "../partners/partner-repository.ts";

/**
 * Whose book a call changes, by what, and for whom: for one that is only to be checked the rehearsal, of which
 * there is nothing to note, and nothing to keep.
 *
 * @param partnerId the partner that the request names
 */
export function chooseWrites(
  partners: PartnerRepository,
  { validateOnly }: { readonly validateOnly: boolean },
  values: ContextValues,
  partnerId?: string,
) {
  const organizations = required(values, organizationsKey);
  if (validateOnly) {
    return { ...organizations, writes: partners.rehearsal, writer: undefined };
  }
  const call = required(values, callKey);
  call.partnerId = partnerId?.toLowerCase();
  const writer: Writer = {
    subject: required(values, callerKey).subject,
    organizationId: organizations.requester,
    noteChange(change) {
      call.changes ??= [];
      call.changes.push(change);
    },
  };
  return { ...organizations, writes: partners, writer };
}
