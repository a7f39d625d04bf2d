import { Migration } from "@mikro-orm/migrations";

export class PartnerChange extends Migration {
  override up(): void {
    // What was written before counts as the first change. A constant default does not rewrite the table. It
    // may be there, as the index of the next migration.
    this.addSql(
      `alter table "partner" add column if not exists "change" bigint not null default 0`,
    );
    // From here on, who writes a row leaves its transaction's id there: a create by this default, whatever
    // its release, and a change by setting it (docs/decisions/change-feed.md).
    this.addSql(`
      alter table "partner" alter column "change"
        set default ((pg_current_xact_id())::text)::bigint
    `);
    this.addSql(`
      create table "partner_purge" (
        "organization_id" uuid not null,
        "change" bigint not null,
        constraint "partner_purge_pkey" primary key ("organization_id")
      )
    `);
    this.addSql(`
      create table "change_epoch" (
        "system_identifier" text not null,
        "epoch" uuid not null,
        constraint "change_epoch_pkey" primary key ("system_identifier")
      )
    `);
    this.addSql(`
      insert into "change_epoch" ("system_identifier", "epoch")
        select system_identifier::text, gen_random_uuid() from pg_control_system()
    `);
  }

  override down(): void {
    this.addSql(`drop table "change_epoch"`);
    this.addSql(`drop table "partner_purge"`);
    this.addSql(`alter table "partner" drop column "change"`);
  }
}
