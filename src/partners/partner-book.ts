import type { Orm } from "../database/orm.ts";
import { type Connections, createConnections } from "./connections.ts";
import { createInvitations, type Invitations } from "./invitations.ts";
import { createPartnerBatch, type PartnerBatch } from "./partner-batch.ts";
import { createPartnerEditor, type PartnerEditor } from "./partner-editor.ts";
import { createPartnerReader, type PartnerReader } from "./partner-reader.ts";
import { createPartnerRepository, type PartnerRepository } from "./partner-repository.ts";

/** All that can be done with the partners of organizations. */
export interface PartnerBook
  extends PartnerRepository,
    PartnerBatch,
    PartnerReader,
    PartnerEditor,
    Invitations,
    Connections {}

/** Puts the book together from its parts. */
export function createPartnerBook(orm: Orm): PartnerBook {
  return {
    ...createPartnerRepository(orm),
    ...createPartnerBatch(orm),
    ...createPartnerReader(orm),
    ...createPartnerEditor(orm),
    ...createInvitations(orm),
    ...createConnections(orm),
  };
}
