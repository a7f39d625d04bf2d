import { Migration } from "@mikro-orm/migrations";

/**
 * The index was made with the column that it asks for, which CockroachDB refuses in one transaction: where
 * it has been, it stays.
 */
export class PartnerNameIndex extends Migration {
  override up(): void {
    // Lists by name come straight from it. Lists by creation come from the primary key, whose ids
    // grow with time. Every further index would cost each create.
    this.addSql(`
      create index if not exists "partner_company_name_index"
        on "partner" ("organization_id", "company_name", "id") where deleted_at is null
    `);
  }

  override down(): void {
    this.addSql(`drop index "partner_company_name_index"`);
  }
}
