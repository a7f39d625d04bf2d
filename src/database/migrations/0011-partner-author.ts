import { Migration } from "@mikro-orm/migrations";

export class PartnerAuthor extends Migration {
  override up(): void {
    // Who made the last change. Without defaults, or with a constant one, the table is not rewritten, and rows
    // that are there name nobody.
    this.addSql(`
      alter table "partner"
        add column "author_subject" text null,
        add column "author_organization_id" uuid null,
        add column "author_revision" int4 not null default 1
    `);
  }

  override down(): void {
    this.addSql(`
      alter table "partner"
        drop column "author_subject",
        drop column "author_organization_id",
        drop column "author_revision"
    `);
  }
}
