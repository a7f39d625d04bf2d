import { CreatePartner } from "./migrations/0001-create-partner.ts";
import { PartnerLifecycle } from "./migrations/0002-partner-lifecycle.ts";
import { PartnerWrites } from "./migrations/0003-partner-writes.ts";
import { PartnerConnections } from "./migrations/0004-partner-connections.ts";
import { PartnerChange } from "./migrations/0005a-partner-change.ts";
import { PartnerChangeIndex } from "./migrations/0005b-partner-change-index.ts";
import { PartnerNameIndex } from "./migrations/0008-partner-name-index.ts";
import { PartnerExternalId } from "./migrations/0009a-partner-external-id.ts";
import { PartnerExternalIdIndex } from "./migrations/0009b-partner-external-id-index.ts";
import { PartnerDeletedIndex } from "./migrations/0010-partner-deleted-index.ts";
import { PartnerAuthor } from "./migrations/0011-partner-author.ts";

/**
 * The migrations, oldest first. The names are those under which databases remember what has been
 * applied: an entry never changes, and new ones come last.
 */
export const migrations = [
  { name: "0001-create-partner", class: CreatePartner },
  { name: "0002-partner-lifecycle", class: PartnerLifecycle },
  { name: "0003-partner-writes", class: PartnerWrites },
  { name: "0004-partner-connections", class: PartnerConnections },
  { name: "0005a-partner-change", class: PartnerChange },
  { name: "0005b-partner-change-index", class: PartnerChangeIndex },
  { name: "0008-partner-name-index", class: PartnerNameIndex },
  { name: "0009a-partner-external-id", class: PartnerExternalId },
  { name: "0009b-partner-external-id-index", class: PartnerExternalIdIndex },
  { name: "0010-partner-deleted-index", class: PartnerDeletedIndex },
  { name: "0011-partner-author", class: PartnerAuthor },
];
