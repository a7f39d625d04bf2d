import { Migration } from "@mikro-orm/migrations";

export class PartnerChangeIndex extends Migration {
  override up(): void {
    // Lists a book in the order in which it changed. It may be there: on a large table it is made before,
    // without keeping writes waiting (docs/operations.md).
    this.addSql(`
      create index if not exists "partner_change_index"
        on "partner" ("organization_id", "change", "id")
    `);
  }

  override down(): void {
    this.addSql(`drop index "partner_change_index"`);
  }
}
