/** A field of a partner that a column can hold. */
export interface Field {
  /** Its name in the contract: `company_name`. */
  readonly name: string;
  /** Whether a row must have a value of it. */
  readonly isRequired: boolean;
  /** What columns that hold it are called in the exports of ERPs, in several languages. */
  readonly headings: readonly string[];
}

/** The fields by their names in TypeScript. */
export const fields = {
  externalId: {
    name: "external_id",
    isRequired: false,
    headings: [
      ...["id", "number", "partner number", "partner id", "account number", "account no"],
      ...[
        "customer number",
        "customer no",
        "customer id",
        "vendor number",
        "vendor no",
        "vendor id",
      ],
      ...["supplier number", "supplier no", "supplier id", "kundennummer", "kundennr", "kunden nr"],
      ...[
        "lieferantennummer",
        "lieferantennr",
        "debitor",
        "debitorennummer",
        "debitorennr",
        "kreditor",
      ],
      ...["kreditorennummer", "kreditorennr", "nummer", "nr", "numéro client", "code client"],
      ...["code fournisseur", "código", "código cliente", "codice cliente", "klantnummer"],
    ],
  },
  companyName: {
    name: "company_name",
    isRequired: true,
    headings: [
      ...[
        "company",
        "name",
        "partner",
        "customer",
        "customer name",
        "supplier name",
        "vendor name",
      ],
      ...["account name", "legal name", "business name", "firma", "firmenname", "unternehmen"],
      ...["name 1", "kunde", "lieferant", "société", "raison sociale", "entreprise", "nom"],
      ...[
        "empresa",
        "razón social",
        "nombre",
        "azienda",
        "ragione sociale",
        "bedrijf",
        "bedrijfsnaam",
      ],
    ],
  },
  salesAmount: {
    name: "sales_amount",
    isRequired: true,
    headings: [
      ...[
        "sales",
        "revenue",
        "turnover",
        "annual sales",
        "annual revenue",
        "annual turnover",
        "amount",
      ],
      ...["volume", "sales volume", "umsatz", "jahresumsatz", "betrag", "chiffre d'affaires", "ca"],
      ...["ventas", "facturación", "fatturato", "omzet"],
    ],
  },
  partnerType: {
    name: "partner_type",
    isRequired: true,
    headings: [
      ...["type", "kind", "role", "category", "art", "typ", "partnerart", "partnertyp", "rolle"],
      ...["kontoart", "tipo", "soort"],
    ],
  },
  email: {
    name: "email",
    isRequired: true,
    headings: [
      ...[
        "mail",
        "email address",
        "mail address",
        "contact email",
        "e-mail-adresse",
        "mailadresse",
      ],
      ...["courriel", "adresse mail", "correo", "correo electrónico", "posta elettronica"],
    ],
  },
  frequency: {
    name: "frequency",
    isRequired: true,
    headings: [
      ...["transaction frequency", "order frequency", "interval", "cycle", "rhythm", "häufigkeit"],
      ...[
        "frequenz",
        "turnus",
        "intervall",
        "bestellrhythmus",
        "fréquence",
        "frecuencia",
        "frequenza",
      ],
      ...["frequentie"],
    ],
  },
  paymentTerms: {
    name: "payment_terms",
    isRequired: true,
    headings: [
      ...["terms", "terms of payment", "payment", "payment conditions", "zahlungsbedingungen"],
      ...[
        "zahlungsbedingung",
        "zahlungsziel",
        "zahlungskonditionen",
        "zlsch",
        "conditions de paiement",
      ],
      ...[
        "condiciones de pago",
        "condizioni di pagamento",
        "betalingsvoorwaarden",
        "betaaltermijn",
      ],
    ],
  },
  address: {
    name: "address",
    isRequired: true,
    headings: [
      ...["street", "street address", "address line 1", "address 1", "street and number", "straße"],
      ...["strasse", "anschrift", "adresse", "straße und hausnummer", "rue", "dirección", "calle"],
      ...["indirizzo", "via", "adres", "straat"],
    ],
  },
  city: {
    name: "city",
    isRequired: true,
    headings: [
      "town",
      "place",
      "ort",
      "stadt",
      "ville",
      "ciudad",
      "città",
      "localité",
      "stad",
      "plaats",
    ],
  },
  state: {
    name: "state",
    isRequired: true,
    headings: [
      ...[
        "province",
        "region",
        "county",
        "state or province",
        "bundesland",
        "land/region",
        "kanton",
      ],
      ...["canton", "département", "provincia", "regione", "estado", "provincie"],
    ],
  },
  postalCode: {
    name: "postal_code",
    isRequired: true,
    headings: [
      ...[
        "zip",
        "zip code",
        "postcode",
        "post code",
        "postal",
        "plz",
        "postleitzahl",
        "code postal",
      ],
      ...["código postal", "cap", "codice postale"],
    ],
  },
  companyRegistrationNumber: {
    name: "company_registration_number",
    isRequired: true,
    headings: [
      ...["registration number", "registration no", "registration", "company number", "company no"],
      ...[
        "company registration",
        "trade register",
        "register number",
        "tax number",
        "tax id",
        "vat id",
      ],
      ...[
        "vat number",
        "vat",
        "ein",
        "handelsregister",
        "handelsregisternummer",
        "registernummer",
        "hrb",
      ],
      ...[
        "hr-nummer",
        "steuernummer",
        "ust-id",
        "ustid",
        "ust-idnr",
        "siren",
        "siret",
        "cif",
        "nif",
      ],
      ...["partita iva", "kvk", "kvk nummer"],
    ],
  },
  countryCode: {
    name: "country_code",
    isRequired: false,
    headings: [
      "country",
      "country iso",
      "iso country",
      "land",
      "länderkennzeichen",
      "pays",
      "país",
      "paese",
    ],
  },
} as const satisfies Readonly<Record<string, Field>>;

export type FieldName = keyof typeof fields;

// An object's keys are those of its type here, as it is a constant.
export const fieldNames = Object.keys(fields) as readonly FieldName[];

/** The field that the contract, or TypeScript, calls so. */
export function fieldNamed(name: string): FieldName | undefined {
  return fieldNames.find((field) => field === name || fields[field].name === name);
}
