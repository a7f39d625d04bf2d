import { Migration } from "@mikro-orm/migrations";

export class PartnerDeletedIndex extends Migration {
  override up(): void {
    // Finds what was deleted long ago, in all books. Only deleted partners have an entry, so that it costs
    // creates nothing. It may be there: on a large table it is made before, without keeping writes waiting
    // (docs/operations.md).
    this.addSql(`
      create index if not exists "partner_deleted_index"
        on "partner" ("deleted_at") where deleted_at is not null
    `);
  }

  override down(): void {
    this.addSql(`drop index "partner_deleted_index"`);
  }
}
