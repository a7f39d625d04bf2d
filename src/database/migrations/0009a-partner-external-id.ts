import { Migration } from "@mikro-orm/migrations";

export class PartnerExternalId extends Migration {
  override up(): void {
    // Without a default: the table is not rewritten. It may be there, as the index of the next migration.
    this.addSql(`
      alter table "partner"
        add column if not exists "external_id" text null,
        add constraint "partner_external_id_check"
          check (char_length(external_id) >= 1 and char_length(external_id) <= 100)
    `);
  }

  override down(): void {
    this.addSql(`alter table "partner" drop column "external_id"`);
  }
}
