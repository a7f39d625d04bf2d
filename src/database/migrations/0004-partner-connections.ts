import { Migration } from "@mikro-orm/migrations";

export class PartnerConnections extends Migration {
  override up(): void {
    this.addSql(`alter table "partner" add column "connected_at" timestamptz(6) null`);
    // When those that are connected accepted was not kept: the last change is the nearest to it.
    this.addSql(`
      update "partner" set "connected_at" = "updated_at" where guest_organization_id is not null
    `);
    // A guest finds its connections in the books of all hosts: the one query that does not start with
    // the organization whose book it is. Only accepted partners have an entry, as above.
    this.addSql(`
      create index "partner_guest_index"
        on "partner" ("guest_organization_id", "organization_id", "partner_type")
        where guest_organization_id is not null
    `);
  }

  override down(): void {
    this.addSql(`drop index "partner_guest_index"`);
    this.addSql(`alter table "partner" drop column "connected_at"`);
  }
}
