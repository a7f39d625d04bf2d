import { Migration } from "@mikro-orm/migrations";

export class PartnerLifecycle extends Migration {
  override up(): void {
    this.addSql(`
      alter table "partner"
        add column "deleted_at" timestamptz(6) null,
        add column "invitation_token_hash" text null,
        add column "invitation_expires_at" timestamptz(6) null,
        add constraint "partner_invitation_check"
          check ((invitation_token_hash is null) = (invitation_expires_at is null))
    `);
    // Both what finds a connection, and what keeps a guest from being two partners of one type in
    // a book. Only accepted partners have an entry, so that it costs creates nothing.
    this.addSql(`
      create unique index "partner_guest_unique"
        on "partner" ("organization_id", "guest_organization_id", "partner_type")
        where guest_organization_id is not null
    `);
  }

  override down(): void {
    this.addSql(`drop index "partner_guest_unique"`);
    this.addSql(`
      alter table "partner"
        drop constraint "partner_invitation_check",
        drop column "deleted_at",
        drop column "invitation_token_hash",
        drop column "invitation_expires_at"
    `);
  }
}
