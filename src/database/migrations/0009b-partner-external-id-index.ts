import { Migration } from "@mikro-orm/migrations";

export class PartnerExternalIdIndex extends Migration {
  override up(): void {
    // A partner without an external id has no entry, and one that is deleted none any more, also by a process
    // of the release before, which leaves the column as it is. It may be there: on a large table it is made
    // before, without keeping writes waiting (docs/operations.md).
    this.addSql(`
      create unique index if not exists "partner_external_id_unique"
        on "partner" ("organization_id", "external_id") 
        where external_id is not null and deleted_at is null
    `);
  }

  override down(): void {
    this.addSql(`drop index "partner_external_id_unique"`);
  }
}
