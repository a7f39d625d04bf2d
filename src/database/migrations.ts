import { CreatePartner } from "./migrations/0001-create-partner.ts";

/**
 * The migrations, oldest first. The names are those under which databases remember what has been
 * applied: an entry never changes, and new ones come last.
 */
export const migrations = [{ name: "0001-create-partner", class: CreatePartner }];
