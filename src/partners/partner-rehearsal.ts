import type { ContextValues } from "@connectrpc/connect";
import { changesOf, type NoteChange } from "../context.ts";
import type { Orm } from "../database/orm.ts";
import { rehearse } from "../database/query.ts";
import { type Connections, createConnections } from "./connections.ts";
import { createInvitations, type Invitations } from "./invitations.ts";
import { createPartnerBatches, type PartnerBatches } from "./partner-batch.ts";
import { createPartnerEdits, type PartnerEdits } from "./partner-edits.ts";
import type { PartnerCreates, PartnerRepository } from "./partner-repository.ts";

/** All that changes a book. */
export interface PartnerWrites
  extends PartnerCreates,
    PartnerBatches,
    PartnerEdits,
    Pick<Invitations, "invite" | "revokeInvitation" | "accept">,
    Pick<Connections, "endConnection"> {}

/** Makes what does to a book what the repository does, by the same statements, and undoes it at once. */
export function createRehearsal(orm: Orm): PartnerWrites {
  const batches = createPartnerBatches(orm, true);
  return {
    ...batches,
    ...createPartnerEdits(orm, rehearse),
    ...createInvitations(orm, rehearse),
    ...createConnections(orm, rehearse),

    async create(newPartner, signal) {
      const [result] = await batches.createEach([newPartner], signal);
      if (result === undefined || "error" in result) {
        throw result?.error ?? new Error("A partner has no result.");
      }
      return result.partner;
    },
  };
}

/**
 * What a call changes the book by, and notes it with: for one that is only to be checked the rehearsal,
 * of which there is nothing to note.
 *
 * @param partnerId the partner that the request names
 */
export function chooseWrites(
  partners: PartnerRepository,
  { validateOnly }: { readonly validateOnly: boolean },
  values: ContextValues,
  partnerId?: string,
): { readonly writes: PartnerWrites; readonly noteChange: NoteChange | undefined } {
  return validateOnly
    ? { writes: partners.rehearsal, noteChange: undefined }
    : { writes: partners, noteChange: changesOf(values, partnerId) };
}
