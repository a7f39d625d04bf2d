import { Migration } from "@mikro-orm/migrations";

export class CreatePartner extends Migration {
  override up(): void {
    this.addSql(`
      create table "partner" (
        "organization_id" uuid not null,
        "id" uuid not null,
        "created_at" timestamptz(6) not null,
        "updated_at" timestamptz(6) not null,
        "company_name" text not null,
        "sales_amount" int4 not null,
        "partner_type" text not null,
        "email" text not null,
        "frequency" text not null,
        "payment_terms" text not null,
        "address" text not null,
        "city" text not null,
        "state" text not null,
        "postal_code" text not null,
        "company_registration_number" text not null,
        "country_code" text null,
        "invitation_status" text not null,
        "guest_organization_id" uuid null,
        "revision" int4 not null,
        "request_id" uuid null,
        "request_fingerprint" text null,
        constraint "partner_pkey" primary key ("organization_id", "id"),
        constraint "partner_request_id_unique" unique ("organization_id", "request_id"),
        constraint "partner_company_name_check"
          check (char_length(company_name) >= 1 and char_length(company_name) <= 100),
        constraint "partner_sales_amount_check" check (sales_amount >= 0),
        constraint "partner_partner_type_check"
          check (partner_type = 'customer' or partner_type = 'supplier'),
        constraint "partner_email_check"
          check (char_length(email) >= 1 and char_length(email) <= 100),
        constraint "partner_frequency_check"
          check (char_length(frequency) >= 1 and char_length(frequency) <= 30),
        constraint "partner_payment_terms_check"
          check (char_length(payment_terms) >= 1 and char_length(payment_terms) <= 50),
        constraint "partner_address_check"
          check (char_length(address) >= 1 and char_length(address) <= 500),
        constraint "partner_city_check"
          check (char_length(city) >= 1 and char_length(city) <= 100),
        constraint "partner_state_check"
          check (char_length(state) >= 1 and char_length(state) <= 100),
        constraint "partner_postal_code_check"
          check (char_length(postal_code) >= 1 and char_length(postal_code) <= 30),
        constraint "partner_company_registration_number_check"
          check (char_length(company_registration_number) >= 1
            and char_length(company_registration_number) <= 255),
        constraint "partner_country_code_check" check (country_code ~ '^[A-Z]{2}$'),
        constraint "partner_invitation_status_check"
          check (invitation_status = 'invited' or invitation_status = 'accepted'),
        constraint "partner_guest_organization_id_check"
          check ((invitation_status = 'accepted') = (guest_organization_id is not null)),
        constraint "partner_revision_check" check (revision >= 1),
        constraint "partner_request_fingerprint_check"
          check ((request_id is null) = (request_fingerprint is null))
      )
    `);
  }

  override down(): void {
    this.addSql(`drop table "partner"`);
  }
}
