import { Migration } from "@mikro-orm/migrations";

export class PartnerWrites extends Migration {
  override up(): void {
    // Neither default nor index: the table is not rewritten, and a create costs what it did.
    this.addSql(`alter table "partner" add column "write_id" uuid null`);
  }

  override down(): void {
    this.addSql(`alter table "partner" drop column "write_id"`);
  }
}
